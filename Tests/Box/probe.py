"""Runs inside a unit's sandbox, in place of the program, and prints what it was allowed to do as one JSON object.

`python3 probe.py OTHER`: OTHER is the state directory of the unit that this one must not see. Each entry is "done" or
the name of the error, or what was found where something is looked at. It stands alone: the machine has only Python's
minimal library. Several may run at once.
"""

import ctypes
import errno
import json
import os
import platform
import resource
import socket
import sys
import time
from collections.abc import Callable
from functools import partial

libc = ctypes.CDLL(None, use_errno=True)
PROT_READ_WRITE_EXEC = 7
MAP_PRIVATE_ANONYMOUS = 0x22
CLONE_NEWUSER = 0x10000000
ADDR_NO_RANDOMIZE = 0x0040000
REALTIME = 0
PR_GET_NO_NEW_PRIVS = 39
# Unlike PTRACE_ATTACH it does not stop whom it traces.
PTRACE_SEIZE = 0x4206
IOPRIO_WHO_PROCESS = 1
INIT_MODULE = {"x86_64": 175, "aarch64": 105, "riscv64": 105, "ppc64le": 128, "s390x": 128}.get(platform.machine(), 105)
NAME = f"probe-{os.getpid()}"
STATE = os.environ.get("STATE_DIRECTORY", "/var/lib/sipcall/none")
RUNTIME = os.environ.get("RUNTIME_DIRECTORY", "/run/none")


def checked(result: int | None) -> None:
    if result in (-1, None):
        raise OSError(ctypes.get_errno(), "")


def attempt(action: Callable[[], object]) -> str:
    try:
        found = action()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    return found if isinstance(found, str) else "done"


def apart(action: Callable[[], object]) -> str:
    """The same in a process of its own: what it changes there does not matter to the next attempt."""
    child = os.fork()
    if child == 0:
        try:
            action()
            os._exit(0)
        except OSError as error:
            os._exit(error.errno or errno.EIO)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return errno.errorcode.get(code, f"signal {-code}") if code else "done"


def write(path: str) -> None:
    with open(path, "w") as file:
        file.write("probe")
    os.unlink(path)


def bind(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plug:
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        plug.bind(("127.0.0.1", port))


def send(address: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plug:
        plug.sendto(b"probe", (address, 9999))


def execute_new_file(folder: str) -> None:
    path = f"{folder}/{NAME}"
    with open(path, "w") as file:
        file.write("#!/bin/sh\n")
    os.chmod(path, 0o700)
    try:
        os.waitpid(os.posix_spawn(path, [path], {}), 0)
    finally:
        os.unlink(path)


def raise_priority() -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    os.setpriority(os.PRIO_PROCESS, 0, -5)
    # The filter may say yes and do nothing.
    if os.getpriority(os.PRIO_PROCESS, 0) >= before:
        raise OSError(errno.EPERM, "")


def map_writable_code() -> None:
    libc.mmap.restype = ctypes.c_void_p
    address = libc.mmap(None, 4096, PROT_READ_WRITE_EXEC, MAP_PRIVATE_ANONYMOUS, -1, 0)
    checked(-1 if address in (None, ctypes.c_void_p(-1).value) else 0)


def connect_control_socket() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as plug:
        plug.connect("/run/sipcall/control.sock")


def set_user_identifier_bit() -> None:
    path = f"{STATE}/{NAME}"
    open(path, "w").close()
    try:
        os.chmod(path, 0o4700)
    finally:
        os.unlink(path)


def mode_of_new_file(folder: str) -> str:
    path = f"{folder}/{NAME}.mode"
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o666))
    try:
        return f"{os.stat(path).st_mode & 0o777:o}"
    finally:
        os.unlink(path)


def mount() -> None:
    checked(libc.mount(b"none", b"/mnt", b"tmpfs", 0, None))
    checked(libc.umount2(b"/mnt", 0))


def set_clock() -> None:
    # To what it is: a machine that lets it happen is not to suffer.
    seconds, rest = divmod(time.time_ns(), 1_000_000_000)
    checked(libc.clock_settime(REALTIME, (ctypes.c_long * 2)(seconds, rest)))


def make_folder(parent: str) -> None:
    os.mkdir(f"{parent}/{NAME}")
    os.rmdir(f"{parent}/{NAME}")


def text(path: str) -> str:
    with open(path) as file:
        return file.read().strip() or "nothing"


def status(key: str) -> str:
    with open("/proc/self/status") as file:
        return next(line.split(":")[1].strip() for line in file if line.startswith(key + ":"))


def namespace(kind: str) -> str:
    """Its number: another than that of a process without the directive."""
    return os.readlink(f"/proc/self/ns/{kind}")


def make_device() -> None:
    path = f"/tmp/{NAME}"
    os.mknod(path, 0o020600, os.makedev(1, 3))
    os.unlink(path)


def read_clock_state() -> None:
    checked(libc.adjtimex(ctypes.create_string_buffer(512)))


def same_host_name() -> None:
    name = socket.gethostname().encode()
    checked(libc.sethostname(name, len(name)))


def list_kernel_modules() -> None:
    # An empty directory in its place can be listed by whoever may read everything.
    if not os.listdir("/usr/lib/modules"):
        raise OSError(errno.ENOENT, "")


def disk_accesses() -> str:
    """Class and level."""
    number = {"x86_64": 252, "aarch64": 31, "riscv64": 31}.get(platform.machine(), 31)
    return str(libc.syscall(number, IOPRIO_WHO_PROCESS, 0))


PLACES = {"/run/sipcall": "/run/sipcall", "/etc": "/etc/sipcall", "/usr": "/usr", "/var/lib": "/var/lib", "/tmp": "/tmp", "/root": "/root"}


def probes(other: str) -> dict[str, str]:
    writable = [STATE, RUNTIME, "/run/sipcall", "/tmp", "/var/tmp", "/dev/shm"]
    return {
        "write its own state": attempt(lambda: write(f"{STATE}/{NAME}")),
        "write its runtime directory": attempt(lambda: write(f"{RUNTIME}/{NAME}")),
        **{f"write {folder}": attempt(lambda at=at: write(f"{at}/{NAME}")) for folder, at in PLACES.items()},
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
        "make a device": attempt(make_device),
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
        "new user namespace": apart(lambda: checked(libc.unshare(CLONE_NEWUSER))),
        "mount": apart(mount),
        "change root": apart(lambda: os.chroot("/tmp")),
        "become root": apart(lambda: os.setuid(0)),
        "set the clock": attempt(set_clock),
        "set the host name": attempt(same_host_name),
        "real-time priority": apart(lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))),
        "higher priority": apart(raise_priority),
        "another personality": apart(lambda: checked(libc.personality(ADDR_NO_RANDOMIZE))),
        "set-user-ID file": attempt(set_user_identifier_bit),
        "load a kernel module": attempt(lambda: checked(libc.syscall(INIT_MODULE, None, 0, b""))),
        "read the kernel log": attempt(lambda: checked(libc.klogctl(3, ctypes.create_string_buffer(64), 64))),
        "read the clock's state": attempt(read_clock_state),
        "list kernel modules": attempt(list_kernel_modules),
        "make a control group": attempt(lambda: make_folder("/sys/fs/cgroup")),
        "set a kernel's tunable": attempt(lambda: open("/proc/sys/net/ipv4/ip_forward", "r+").close()),
        "see others' temporary files": attempt(lambda: os.stat("/tmp/of-others")),
        "open /dev/net/tun": attempt(lambda: os.open("/dev/net/tun", os.O_RDWR)),
        "see /dev/console": attempt(lambda: os.stat("/dev/console")),
        "user": str(os.getuid()),
        "group": str(os.getgid()),
        "other users": attempt(lambda: text("/proc/self/uid_map")),
        "capabilities": attempt(lambda: status("CapBnd")),
        "no new privileges": str(libc.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)),
        "mode of a new file": attempt(lambda: mode_of_new_file(STATE)),
        "mounts": attempt(lambda: namespace("mnt")),
        "message queues": attempt(lambda: namespace("ipc")),
        "core dumps": str(resource.getrlimit(resource.RLIMIT_CORE)),
        "descriptors": str(resource.getrlimit(resource.RLIMIT_NOFILE)),
        "when memory ends": attempt(lambda: text("/proc/self/oom_score_adj")),
        "niceness": str(os.nice(0)),
        "disk accesses": attempt(disk_accesses),
        "trace a process": apart(lambda: checked(libc.ptrace(PTRACE_SEIZE, os.getppid(), None, None))),
    }


if __name__ == "__main__":
    print(json.dumps(probes(sys.argv[1])))
