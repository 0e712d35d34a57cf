"""A machine with the package installed, to look around in: `python -m Box.shell`, as root. Leaving the shell ends it."""

import os
import subprocess
import sys

from Rig.isolation import MARK, isolated

from .machine import Machine
from .package import install, package
from .preparation import prepare


def main() -> int:
    if os.environ.get(MARK) != "1":
        prepare()
    code = isolated("Box.shell", sys.argv[1:])
    if code is not None:
        return code
    with Machine("shell") as machine:
        print(install(machine, package()))
        return subprocess.run(machine.command("bash", "-i")).returncode


if __name__ == "__main__":
    sys.exit(main())
