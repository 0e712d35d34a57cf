"""Runs inside a unit's sandbox, in place of the program, and prints what it was allowed to do as one JSON object.

`python3 probe.py OTHER`: OTHER is the state directory of the unit that this one must not see. Each entry is "done" or
the name of the error. It stands alone: the machine has only Python's minimal library.
"""

import ctypes
import errno
import json
import os
import socket
import sys
from collections.abc import Callable
from functools import partial

libc = ctypes.CDLL(None, use_errno=True)
PROT_READ_WRITE_EXEC = 7
MAP_PRIVATE_ANONYMOUS = 0x22
CLONE_NEWUSER = 0x10000000
ADDR_NO_RANDOMIZE = 0x0040000
REALTIME = 0


def checked(result: int | None) -> None:
    if result in (-1, None):
        raise OSError(ctypes.get_errno(), "")


def attempt(action: Callable[[], object]) -> str:
    try:
        action()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    return "done"


def write(path: str) -> None:
    with open(path, "w") as file:
        file.write("probe")
    os.unlink(path)


def bind(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plug:
        plug.bind(("127.0.0.1", port))


def send(address: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plug:
        plug.sendto(b"probe", (address, 9999))


def execute_new_file(folder: str) -> None:
    path = folder + "/probe"
    with open(path, "w") as file:
        file.write("#!/bin/sh\n")
    os.chmod(path, 0o700)
    try:
        os.waitpid(os.posix_spawn(path, [path], {}), 0)
    finally:
        os.unlink(path)


def raise_priority() -> None:
    os.setpriority(os.PRIO_PROCESS, 0, -5)
    # The filter may say yes and do nothing.
    if os.getpriority(os.PRIO_PROCESS, 0) == 0:
        raise OSError(errno.EPERM, "")


def map_writable_code() -> None:
    libc.mmap.restype = ctypes.c_void_p
    address = libc.mmap(None, 4096, PROT_READ_WRITE_EXEC, MAP_PRIVATE_ANONYMOUS, -1, 0)
    checked(-1 if address in (None, ctypes.c_void_p(-1).value) else 0)


def connect_control_socket() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as plug:
        plug.connect("/run/sipcall/control.sock")


def set_user_identifier_bit() -> None:
    path = os.environ["STATE_DIRECTORY"] + "/probe"
    open(path, "w").close()
    try:
        os.chmod(path, 0o4700)
    finally:
        os.unlink(path)


def probes(other: str) -> dict[str, str]:
    own = [os.environ["STATE_DIRECTORY"], os.environ["RUNTIME_DIRECTORY"]]
    writable = [*own, "/run/sipcall", "/tmp", "/var/tmp", "/dev/shm"]
    return {
        "write its own state": attempt(lambda: write(os.environ["STATE_DIRECTORY"] + "/probe")),
        "write /run/sipcall": attempt(lambda: write("/run/sipcall/probe")),
        "write /etc": attempt(lambda: write("/etc/sipcall/probe")),
        "write /usr": attempt(lambda: write("/usr/probe")),
        "write /var/lib": attempt(lambda: write("/var/lib/probe")),
        "write /tmp": attempt(lambda: write("/tmp/probe")),
        "read its settings": attempt(lambda: open("/etc/sipcall/sipcall.toml").close()),
        "read its credential": attempt(lambda: open(os.environ.get("CREDENTIALS_DIRECTORY", "/n") + "/trunk.password")),
        "read /etc/credstore": attempt(lambda: open("/etc/credstore/sipcall.trunk.password")),
        "list the other's state": attempt(lambda: os.listdir(other)),
        "read the other's file": attempt(lambda: open(other + "/secret")),
        "list /var/backups": attempt(lambda: os.listdir("/var/backups")),
        "list /home": attempt(lambda: os.listdir("/home")),
        "list /root": attempt(lambda: os.listdir("/root")),
        "see PID 1": attempt(lambda: os.listdir("/proc/1")),
        "see /proc/sys": attempt(lambda: os.listdir("/proc/sys")),
        "signal PID 1": attempt(lambda: os.kill(1, 0)),
        "open /dev/kmsg": attempt(lambda: os.open("/dev/kmsg", os.O_RDONLY)),
        "make a device": attempt(lambda: os.mknod("/tmp/probe", 0o020600, os.makedev(1, 3))),
        "packet socket": attempt(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)),
        "raw socket": attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)),
        "netlink socket": attempt(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)),
        "port below 1024": attempt(lambda: bind(80)),
        "port above 1023": attempt(lambda: bind(5999)),
        "send to this machine": attempt(lambda: send("127.0.0.1")),
        "send to another machine": attempt(lambda: send("192.0.2.1")),
        "connect to the control socket": attempt(connect_control_socket),
        **{f"execute what it wrote to {folder}": attempt(partial(execute_new_file, folder)) for folder in writable},
        "memory both writable and executable": attempt(map_writable_code),
        "new user namespace": attempt(lambda: checked(libc.unshare(CLONE_NEWUSER))),
        "mount": attempt(lambda: checked(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None))),
        "change root": attempt(lambda: os.chroot("/tmp")),
        "become root": attempt(lambda: os.setuid(0)),
        "set the clock": attempt(lambda: checked(libc.clock_settime(REALTIME, (ctypes.c_long * 2)(0, 0)))),
        "set the host name": attempt(lambda: checked(libc.sethostname(b"probe", 5))),
        "real-time priority": attempt(lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))),
        "higher priority": attempt(raise_priority),
        "another personality": attempt(lambda: checked(libc.personality(ADDR_NO_RANDOMIZE))),
        "set-user-ID file": attempt(set_user_identifier_bit),
        "load a kernel module": attempt(lambda: checked(libc.syscall(175, None, 0, b""))),
        "read the kernel log": attempt(lambda: checked(libc.klogctl(3, ctypes.create_string_buffer(64), 64))),
        "trace a process": attempt(lambda: checked(libc.ptrace(16, os.getppid(), None, None))),
    }


if __name__ == "__main__":
    print(json.dumps(probes(sys.argv[1])))
