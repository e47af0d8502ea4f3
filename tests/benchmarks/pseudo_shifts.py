"""Shifts whose outcome is known, of one domain each: a part of it is the source, the rest, changed, the target."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as transforms

from office31_cli.data.cache import CachedArray, Rows
from office31_cli.data.photographs import BoolArray, IntArray, Photographs
from office31_cli.engine.features import compute_frozen_outputs
from office31_cli.engine.frozen_split import split_network
from office31_cli.engine.inputs import FrozenInputs
from office31_cli.engine.random_numbers import keyed_generator
from office31_cli.observer import SILENT
from office31_cli.recipes.doctor.probe import Probe
from office31_cli.workflow.adapt_training import order_by_content
from office31_cli.workflow.domains import Domain

DOMAINS = ("amazon", "dslr", "webcam")

TARGET = {"amazon": "dslr", "dslr": "webcam", "webcam": "amazon"}
"""What the target that is made of a domain is called: the data set knows no other names."""

_MOST = 800
"""Photographs of a domain that take part."""

_TAIL = 0.05
"""Of the rarest item's photographs, so many stay in a long tail."""


def _coarse(images: Tensor, side: int) -> Tensor:
    return F.interpolate(F.interpolate(images, size=side, mode="area"), size=images.shape[-1], mode="bilinear")


def _noisy(images: Tensor) -> Tensor:
    drawn = torch.Generator().manual_seed(int(images.sum().item()) % (1 << 31))
    return (images + 50 * torch.randn(images.shape, generator=drawn)).clamp(0, 255)


def _covered(images: Tensor) -> Tensor:
    covered, side = images.clone(), images.shape[-1]
    covered[..., side // 2 :, side // 2 :] = 127
    covered[..., : side // 4, :] = 127
    return covered


def _hazy(images: Tensor) -> Tensor:
    return 0.2 * images + 0.8 * images.mean((1, 2, 3), keepdim=True) + 10


CAMERAS: dict[str, Callable[[Tensor], Tensor]] = {
    "plain": lambda images: images,
    "blurred": lambda images: _coarse(images, 72),
    "coarse": lambda images: _coarse(images, 40),
    "dark": lambda images: images * torch.tensor([0.55, 0.4, 0.25]).view(1, 3, 1, 1),
    "noisy": _noisy,
    "zoomed": lambda images: F.interpolate(transforms.center_crop(images, [110, 110]), size=images.shape[-1]),
    "turned": lambda images: transforms.rotate(images, 40, fill=[127.0]),
    "covered": _covered,
    "negative": lambda images: 255 - images,
    "hazy": _hazy,
}
"""What a target's photographs (n, 3, side, side), in 0 to 255, are seen through."""


@dataclass(frozen=True)
class Shift:
    """What is made of a domain."""

    domain: str
    camera: str
    items: str
    """Which of the target's photographs stay: `all`, those of `half` of the items, or a long `tail`."""
    source: str
    """`half` of the domain's photographs, or a `narrow` part of it: of each item those nearest to one of them."""


def shifts() -> Iterator[Shift]:
    """All that are tried."""
    for domain in DOMAINS:
        for camera in CAMERAS:
            yield Shift(domain, camera, "all", "half")
        for camera in ("plain", "blurred", "coarse", "turned", "hazy"):
            yield Shift(domain, camera, "all", "narrow")
        for items in ("half", "tail"):
            for camera in ("plain", "coarse", "zoomed", "noisy"):
                yield Shift(domain, camera, items, "half")
        for camera in ("covered", "dark"):
            yield Shift(domain, camera, "half", "narrow")


@dataclass(frozen=True)
class _Seen:
    """Decoded photographs as a camera shows them: what `frozen_outputs` needs of a cached array."""

    pixels: CachedArray
    camera: str

    @property
    def folder(self) -> Any:
        """Part of the key under which the features are kept."""
        return SimpleNamespace(name=f"{self.pixels.folder.name} {self.camera}")

    def rows(self, rows: IntArray) -> Rows:
        """The photographs' pixels (n, side, side, 3)."""
        images = torch.from_numpy(self.pixels.rows(rows)).permute(0, 3, 1, 2).float()
        seen: Rows = CAMERAS[self.camera](images).byte().permute(0, 2, 3, 1).numpy()
        return seen


class Makeshift:
    """Cases made of the domains of an opened one."""

    def __init__(self, whole: Probe) -> None:
        self._whole = whole

    def probe(self, shift: Shift) -> Probe:
        """Source and target as an examination has them, with a head that has learnt nothing yet."""
        domain, draws = self._whole.domains[shift.domain], keyed_generator("pseudo-shift", repr(shift))
        photographs = _some(domain.whole)
        photographs = replace(photographs, rows=np.arange(len(photographs)))  # as the features are listed
        first = np.array([int(digest, 16) % 2 == 0 for digest in photographs.digests])  # twins on one side
        arrays = [self._features(shift.domain, camera) for camera in ("plain", shift.camera)]
        source = (
            first if shift.source == "half" else _narrow(arrays[0].rows(photographs.rows), photographs, first, draws)
        )
        shares = _shares(shift.items, draws.permutation(len(self._whole.data.items)))
        target = ~first & (draws.random(len(photographs)) < shares[photographs.items])
        parts = {shift.domain: photographs.subset(source), TARGET[shift.domain]: photographs.subset(target)}
        orders = [part.rows[order_by_content(part)] for part in parts.values()]
        network = self._whole.start.build_network(self._whole.request.outputs)
        return replace(
            self._whole,
            request=replace(self._whole.request, domains=(shift.domain,)),
            domains={
                name: Domain(domain.whole, replace(part, domain=name), domain.pixels) for name, part in parts.items()
            },
            network=network,
            split=split_network(network, "head"),
            inputs=FrozenInputs([arrays], self._whole.device),
            condensed=FrozenInputs.with_projection([arrays], orders, self._whole.device),
        )

    def _features(self, name: str, camera: str) -> CachedArray:
        whole, domain = self._whole, self._whole.domains[name]
        assert whole.split.frozen_part is not None
        pixels: Any = _Seen(domain.pixels, camera)
        return compute_frozen_outputs(
            whole.split.frozen_part, _some(domain.whole), pixels, whole.preprocessing, whole.device, SILENT
        )


def _some(photographs: Photographs) -> Photographs:
    chosen = np.zeros(len(photographs), dtype=np.bool_)
    chosen[order_by_content(photographs)[:_MOST]] = True
    return photographs.subset(chosen)


def _narrow(rows: Rows, photographs: Photographs, among: BoolArray, draws: np.random.Generator) -> BoolArray:
    """A quarter of each item's photographs, four at least: those likest one that is drawn."""
    unit, chosen = rows / np.linalg.norm(rows, axis=1, keepdims=True), np.zeros_like(among)
    for item in np.unique(photographs.items):
        own = np.flatnonzero(among & (photographs.items == item))
        likeness = unit[own] @ unit[draws.choice(own)]
        chosen[own[np.argsort(-likeness)[: max(4, len(own) // 4)]]] = True
    return chosen


def _shares(items: str, order: IntArray) -> np.ndarray:
    """What part of each item's photographs stays in the target (K,)."""
    if items == "tail":
        return np.power(_TAIL, order / len(order))
    return np.where(order < len(order) * (0.5 if items == "half" else 1), 1.0, 0.0)
