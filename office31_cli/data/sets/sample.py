"""The drawn sample: a stand-in for Office-31, for trying every command without a network.

The pictures are symbols, not the objects: each of the 31 item names is given a random figure of a few strokes
and shapes, and nothing about a drawn `mug` looks like a mug. What is kept of the real data set is what makes it
hard: the same items seen by three cameras, a clean shop (amazon), a sharp camera on a desk (dslr) and a small,
noisy, tinted one (webcam), so that a network trained on one stumbles on the others.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from office31_cli import storage
from office31_cli.data.sets import office31
from office31_cli.data.sets.base import KnownDataSet
from office31_cli.errors import Failed, Misuse, Refused
from office31_cli.observer import SILENT, Observer
from office31_cli.text import printable

if TYPE_CHECKING:
    from office31_cli.data.web import Limits

_STANDS_FOR = office31.Set()

MANIFEST = "manifest.json"
"""Beside the domain folders: the seed, and the SHA-256 of every picture by its path."""


class Set(KnownDataSet):
    """The pictures that one seed draws, as `DOMAIN/ITEM/frame_NNNN.jpg`."""

    title = "the sample"
    drawn = True
    command = "office31 download --sample"

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def photographs(self) -> Mapping[str, int]:
        """As many an item as the domain's camera takes."""
        from office31_cli.data.drawing import cameras  # numpy and Pillow, 0.2 s: names alone need neither

        return {domain: len(self.items()) * camera.photographs for domain, camera in cameras.CAMERAS.items()}

    def items(self) -> tuple[str, ...]:
        """Those of Office-31."""
        return _STANDS_FOR.items()

    def is_whole(self, domain: str, digests: Iterable[str]) -> bool:
        """Never: what is drawn depends on the version of Pillow."""
        return False

    def bring(self, origin: str | None, *, limits: "Limits | None" = None, observer: Observer = SILENT) -> None:
        """As `KnownDataSet.bring`; what is there and damaged, or of another seed, is refused."""
        from office31_cli.data.staging import put_in_place, stage_folder

        if origin is not None:
            raise Misuse("the sample", "it is drawn, not brought from anywhere", "leave out --from")
        if self.root.exists():
            observer.say(f"{self.title} is there already: {self.root}")
        else:
            with stage_folder(self.root) as staging:
                self.draw(staging, observer)
                put_in_place(staging, self.root, lambda _: True)  # what another process drew is checked below
        self.verify(self.root)

    def draw(self, root: Path, observer: Observer = SILENT) -> None:
        """Draw all pictures below `root`, which holds none of them yet, and write the manifest beside them.

        The files are written but not synced.
        """
        from office31_cli.data.drawing import cameras
        from office31_cli.data.drawing.symbols import draw_distinct_symbols, random_stream

        items = self.items()
        symbols = dict(zip(items, draw_distinct_symbols(len(items), self.seed), strict=True))
        hashes = {}
        with observer.track("drawing the sample", sum(self.photographs().values())) as advance:
            for domain, camera in cameras.CAMERAS.items():
                for item, symbol in symbols.items():
                    storage.make_folder(root / domain / item)
                    for frame in range(1, camera.photographs + 1):
                        name = f"{domain}/{item}/frame_{frame:04d}.jpg"
                        content = cameras.take_photograph(symbol, camera, random_stream(self.seed, name))
                        storage.create_file(root / name, content, sync=False)
                        hashes[name] = hashlib.sha256(content).hexdigest()
                        advance(1)
        recorded = json.dumps({"seed": self.seed, "pictures": hashes}, indent=0)
        storage.create_file(root / MANIFEST, recorded.encode(), sync=False)

    def verify(self, root: Path, observer: Observer = SILENT) -> None:
        """As `KnownDataSet.verify`."""
        if not root.is_dir():
            raise Failed(f"data set {self.name}", f"it is not in {root.parent}", f"run: {self.command}")
        if not self._is_intact(root):
            why = f"it is not, or not only, what drawing with seed {self.seed} makes"
            raise Refused(printable(str(root)), why, f"move it away, and run: {self.command}")

    def _is_intact(self, root: Path) -> bool:
        """Whether `root` holds every picture that drawing with this seed made, unchanged, and nothing else."""
        try:
            recorded = json.loads((root / MANIFEST).read_bytes())
        except (OSError, ValueError, RecursionError):
            return False
        digests = {}
        for path in root.rglob("*"):
            if path.is_file() and not path.is_symlink():
                digests[path.relative_to(root).as_posix()] = storage.sha256_file(path)
            elif path.is_symlink() or not path.is_dir():
                return False
        del digests[MANIFEST]
        return bool(recorded == {"seed": self.seed, "pictures": digests})
