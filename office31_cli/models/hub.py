"""A file of a Hugging Face repository, from the hub's own cache or brought there.

Its library goes by the user's settings: HF_ENDPOINT for a mirror, HF_TOKEN, HF_HOME, HF_HUB_OFFLINE and the rest.
"""

import re
from pathlib import Path
from typing import Any

from office31_cli import storage
from office31_cli.errors import Failed, Refused
from office31_cli.observer import Advance, Observer
from office31_cli.text import printable

_LONGEST_REASON = 300
"""Characters of what the hub's library says of a failure."""


def fetch(repository: str, name: str, observer: Observer) -> tuple[Path, str]:
    """The repository's file of that name, and its SHA-256; downloaded where it is not in the cache.

    Raises `Failed` where it cannot be had, and `Refused` where its bytes are not those that the hub tells the hash of.
    """
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(repository, name)
    path = Path(cached) if isinstance(cached, str) else _download(repository, name, observer)
    sha256 = storage.sha256_file(path)
    if sha256 != (_hash_of_blob(path) or sha256):
        raise Refused(
            printable(str(path)), f"its bytes are not those of {repository}", f"remove {printable(str(path.resolve()))}"
        )
    return path, sha256


def _download(repository: str, name: str, observer: Observer) -> Path:
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url

    try:
        size = get_hf_file_metadata(hf_hub_url(repository, name)).size  # fails at once; a download would try for 23 s
        with observer.track("downloading from the Hugging Face hub", size or 0) as advance:
            return Path(hf_hub_download(repository, name, tqdm_class=_bar_class(advance)))
    except Exception as error:  # the hub's, its HTTP library's and the disk's: they have no base class in common
        why = printable(" ".join(str(error).split())[:_LONGEST_REASON]) or type(error).__name__
        where = f"not in {printable(constants.HF_HUB_CACHE)} and cannot be fetched ({why})"
        raise Failed(repository, where, "check the network, or HF_ENDPOINT and HF_TOKEN") from None


def _bar_class(advance: Advance) -> Any:
    """A progress bar that tells an observer what arrives, and shows nothing itself."""
    from huggingface_hub.utils.tqdm import tqdm

    class Bar(tqdm):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named | {"disable": True})  # type: ignore[no-untyped-call]
            advance(int(self.n))  # what an interrupted download left

        def update(self, n: float | None = 1) -> bool | None:
            """So many bytes more of the file; fewer where the download begins anew."""
            advance(int(n or 0))
            return None

        def update_transfer(self, n: float) -> None:
            """Bytes on the wire, which are not counted: a class with this method gets one bar in place of two."""

        def set_transfer_postfix_str(self, *given: Any, **named: Any) -> None:
            """The speed on the wire."""

    return Bar


def _hash_of_blob(path: Path) -> str | None:
    """The SHA-256 by which the hub knows a large file: the cached one links to a blob of that name; None for others."""
    blob = path.readlink().name if path.is_symlink() else ""
    return blob if re.fullmatch(r"[0-9a-f]{64}", blob) else None
