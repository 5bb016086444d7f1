"""Runs a command, and prints its exit code, its seconds of wall, user and system time, and its peak memory in bytes.

    python -S benchmarks/launcher.py stdout-file stderr-file command...

It is a process of its own, and a small one, because the kernel lets a child's peak begin with what its parent has.
"""

from __future__ import annotations

import os
import sys
import time

UNIT = 1 if sys.platform == "darwin" else 1_024
"""Bytes in which the kernel counts memory."""


def main(stdout: str, stderr: str, *command: str) -> None:
    """Run the command."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    actions = [(os.POSIX_SPAWN_OPEN, number, file, flags, 0o600) for number, file in ((1, stdout), (2, stderr))]
    begun = time.perf_counter()
    process = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - begun
    code = os.waitstatus_to_exitcode(status)
    print(code, wall, usage.ru_utime, usage.ru_stime, usage.ru_maxrss * UNIT)


if __name__ == "__main__":
    main(*sys.argv[1:])
