"""The errors that a user can act on, each one line of text with an exit code."""

import errno


class Office31Error(Exception):
    """An error that the user can act on: what failed, why, and what to do."""

    exit_code = 1

    def __init__(self, what: str, why: str, fix: str) -> None:
        super().__init__(what, why, fix)
        self.what, self.why, self.fix = what, why, fix

    def __str__(self) -> str:
        return f"{self.what}: {self.why}; {self.fix}"


class Failed(Office31Error):
    """The command is valid, but could not be carried out (exit code 1)."""


class Misuse(Office31Error):
    """An option or argument names something that does not exist or does not fit (exit code 2)."""

    exit_code = 2


class Refused(Office31Error):
    """Data is damaged or malicious (exit code 3)."""

    exit_code = 3


class Interrupted(BaseException):
    """Ctrl-C was pressed. Not a `KeyboardInterrupt`, which typer would turn into a silent exit."""


class Terminated(BaseException):
    """SIGTERM was received. Not an `Exception`, so that no handler on the way up catches it."""


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
    """Turn an OSError into a `Failed`, with advice by its error number."""
    what = str(error.filename) if error.filename else "the operating system"
    why = (error.strerror or str(error) or type(error).__name__).lower()
    return Failed(what, why, _ADVICE.get(error.errno or 0, "check the path and try again"))
