"""A drawn stand-in for Office-31, for trying every command without a network.

The pictures are symbols, not the objects: each of the 31 item names is given a random figure of a few strokes
and shapes, and nothing about a drawn `mug` looks like a mug. What is kept of the real data set is what makes it
hard: the same items seen by three cameras, a clean shop (amazon), a sharp camera on a desk (dslr) and a small,
noisy, tinted one (webcam), so that a network trained on one stumbles on the others.
"""

import hashlib
import json
from pathlib import Path

from office31_cli import storage
from office31_cli.data import manifest
from office31_cli.data.sample.cameras import CAMERAS, take_photograph
from office31_cli.data.sample.symbols import distinct_symbols, random_stream
from office31_cli.observer import SILENT, Observer

MANIFEST = "manifest.json"
"""Beside the domain folders: the seed, and the SHA-256 of every picture by its path."""


def items() -> tuple[str, ...]:
    """The 31 item names of Office-31, in order."""
    return tuple(sorted({entry.item for entry in manifest.entries().values()}))


def domains() -> dict[str, int]:
    """How many pictures each domain has."""
    return {domain: len(items()) * camera.photographs for domain, camera in CAMERAS.items()}


def draw_sample(root: Path, *, seed: int = 0, observer: Observer = SILENT) -> None:
    """Draw all pictures as `root`/DOMAIN/ITEM/frame_NNNN.jpg, and the manifest beside them.

    `root` is a folder without any of them yet; the files are written but not synced.
    """
    symbols = dict(zip(items(), distinct_symbols(len(items()), seed), strict=True))
    hashes = {}
    with observer.track("drawing the sample", sum(domains().values())) as advance:
        for domain, camera in CAMERAS.items():
            for item, symbol in symbols.items():
                storage.make_folder(root / domain / item)
                for frame in range(1, camera.photographs + 1):
                    name = f"{domain}/{item}/frame_{frame:04d}.jpg"
                    content = take_photograph(symbol, camera, random_stream(seed, name))
                    storage.create_file(root / name, content, sync=False)
                    hashes[name] = hashlib.sha256(content).hexdigest()
                    advance(1)
    recorded = json.dumps({"seed": seed, "pictures": hashes}, indent=0)
    storage.create_file(root / MANIFEST, recorded.encode(), sync=False)


def is_intact(root: Path, *, seed: int = 0) -> bool:
    """Whether `root` holds every picture that drawing with this seed made, unchanged, and nothing else."""
    try:
        recorded = json.loads((root / MANIFEST).read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    found = {}
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            found[path.relative_to(root).as_posix()] = storage.sha256_file(path)
        elif path.is_symlink() or not path.is_dir():
            return False
    del found[MANIFEST]
    return bool(recorded == {"seed": seed, "pictures": found})
