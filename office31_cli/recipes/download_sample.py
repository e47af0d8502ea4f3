"""Draws the stand-in for Office-31 where there is no network."""

import errno
import time

from office31_cli import paths, storage
from office31_cli.data import sample
from office31_cli.data.catalogue import SAMPLE
from office31_cli.errors import Failed, Refused
from office31_cli.observer import SILENT, Observer
from office31_cli.recipes.download import Downloaded, staged
from office31_cli.text import printable


def draw_sample(*, seed: int = 0, observer: Observer = SILENT) -> Downloaded:
    """The drawn sample in the folder of data sets, as `sample/DOMAIN/ITEM/frame_NNNN.jpg`.

    It appears whole or not at all, and one that is there already is kept. Raises `Refused` where what is there
    is not what drawing with this seed makes.
    """
    began = time.monotonic()
    root = paths.data_sets() / SAMPLE
    if root.exists():
        observer.say(f"the sample is there already: {root}")
    else:
        with staged(root) as staging:
            sample.draw(staging, seed=seed, observer=observer)
            storage.sync_all()
            try:
                storage.replace(staging, root)
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):  # another process was faster
                    raise
    return _verified(began, seed)


def verify_sample(*, seed: int = 0) -> Downloaded:
    """Check the sample that is here; raises `Failed` where there is none, and `Refused` where it was altered."""
    began = time.monotonic()
    if not (paths.data_sets() / SAMPLE).is_dir():
        raise Failed(f"data set {SAMPLE}", f"it is not in {paths.data_sets()}", "run: office31 download --sample")
    return _verified(began, seed)


def _verified(began: float, seed: int) -> Downloaded:
    root = paths.data_sets() / SAMPLE
    if not sample.is_intact(root, seed=seed):
        why = f"it is not, or not only, what drawing with seed {seed} makes"
        raise Refused(printable(str(root)), why, "move it away, and run: office31 download --sample")
    domains = sample.domains()
    return Downloaded(
        dataset=SAMPLE,
        root=root,
        domains=domains,
        photographs=sum(domains.values()),
        items=len(sample.items()),
        verified=True,
        seconds=round(time.monotonic() - began, 3),
    )
