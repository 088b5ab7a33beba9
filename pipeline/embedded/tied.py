"""Ties a process to the one that started it, so that nothing is left running when that one is killed.

Also a script, `python tied.py PARENT_PID SIGNAL LOCK_FILE PROGRAM ARGUMENT...`: it asks the kernel for that tie, takes
the lock file (empty: none) and becomes the program, which then holds both for as long as it lives. Standard library
only, since the script runs isolated from the installed packages.
"""

import ctypes
import fcntl
import os
import signal
import sys

ALREADY_RUNNING = 75  # exit status when another process holds the lock file
PR_SET_PDEATHSIG = 1


def die_with_parent(parent_pid: int, signum: int = signal.SIGKILL) -> None:
    """Have the kernel send this process `signum` when the thread that started it ends. Linux only, else nothing."""
    if sys.platform != "linux":
        return
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signum)) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent_pid:  # it ended before the kernel was asked
        os.kill(os.getpid(), signum)


def tied_command(argv, *, lock=None, signum: int = signal.SIGKILL) -> list[str]:
    """Return the command that runs `argv` tied to this process and, with a lock file, never twice at a time."""
    own = [sys.executable, "-I", "-S", os.path.abspath(__file__)]
    return own + [str(os.getpid()), str(int(signum)), str(lock or "")] + [str(word) for word in argv]


def main(parent_pid, signum, lock, *argv):
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    die_with_parent(int(parent_pid), int(signum))
    if lock:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(ALREADY_RUNNING)
        os.set_inheritable(handle, True)
    try:
        os.execvp(argv[0], argv)
    except OSError as error:
        sys.exit(f"{argv[0]} cannot be run: {error.strerror}")


if __name__ == "__main__":
    main(*sys.argv[1:])
