"""`office31`, and `python -m office31_cli`: leaves as documented even while the rest of it is being imported."""

import os
import signal
from types import FrameType

_MESSAGES = {
    signal.SIGINT: b"error: interrupted: Ctrl-C; run the same command again\n",
    signal.SIGTERM: b"error: terminated: SIGTERM; run the same command again\n",
}


def main() -> None:
    """Run the command line."""
    for number in _MESSAGES:
        signal.signal(number, _leave)
    from office31_cli.cli.main import main as run  # 0.2 s

    run()


def _leave(number: int, frame: FrameType | None) -> None:
    """Nothing has been begun, so nothing needs to be put in order."""
    os.write(2, _MESSAGES[signal.Signals(number)])
    os._exit(128 + number)


if __name__ == "__main__":
    main()
