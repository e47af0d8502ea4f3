"""What can go wrong, as one line that a user can act on, and the exit code that goes with it."""

import errno


class Office31Error(Exception):
    """A fault that the user can act on: what happened, why, and what to do next."""

    exit_code = 1

    def __init__(self, what: str, why: str, fix: str) -> None:
        super().__init__(what, why, fix)
        self.what, self.why, self.fix = what, why, fix

    def __str__(self) -> str:
        return f"{self.what}: {self.why}; {self.fix}"


class Failed(Office31Error):
    """The command makes sense, but the work could not be done (exit code 1)."""


class Misuse(Office31Error):
    """The command or call names something that does not exist or does not fit (exit code 2)."""

    exit_code = 2


class Refused(Office31Error):
    """Bytes that are damaged, or that try something they should not (exit code 3)."""

    exit_code = 3


class Interrupted(BaseException):
    """Ctrl-C. Not a `KeyboardInterrupt`: typer makes a silent exit of that."""


class Terminated(BaseException):
    """SIGTERM arrived. Not an `Exception`, so that no handler on the way up swallows it."""


_ADVICE = {
    errno.ENOSPC: "free some space, or set OFFICE31_HOME to a folder on a larger disk",
    errno.EDQUOT: "free some space, or set OFFICE31_HOME to a folder on a larger disk",
    errno.EFBIG: "raise the file size limit (ulimit -f)",
    errno.EROFS: "set OFFICE31_HOME to a folder that you can write to",
    errno.EACCES: "change its permissions, or set OFFICE31_HOME to a folder that you can write to",
    errno.EPERM: "change its permissions, or set OFFICE31_HOME to a folder that you can write to",
    errno.EIO: "check the disk",
}


def from_os_error(error: OSError) -> Failed:
    """The operating system's complaint as one of ours, with advice where its number says what helps."""
    what = str(error.filename) if error.filename else "the operating system"
    why = (error.strerror or str(error) or type(error).__name__).lower()
    return Failed(what, why, _ADVICE.get(error.errno or 0, "check the path and try again"))
