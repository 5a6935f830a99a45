"""``reaper.py COMMAND …``: run a daemon, and take its orphans' ends off the kernel's hands at once.

libvirt is done with a domain when the process of its QEMU is gone for good, and the init of a container may take
two seconds to see to that. Ends when nothing is left that the command, or a child of it, has started.
"""

import ctypes
import os
import subprocess
import sys

PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    subprocess.Popen(sys.argv[1:])
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


if __name__ == "__main__":
    main()
