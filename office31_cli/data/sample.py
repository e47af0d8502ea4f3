"""A drawn stand-in for Office-31, for trying every command without a network.

The pictures are symbols, not the objects: each of the 31 item names is given a random figure of a few strokes
and shapes, and nothing about a drawn `mug` looks like a mug. What is kept of the real data set is what makes it
hard: the same items seen by three cameras, a clean shop (amazon), a sharp camera on a desk (dslr) and a small,
noisy, tinted one (webcam), so that a network trained on one stumbles on the others.

Every random number comes from a stream keyed by (seed, what is drawn), so a picture does not depend on which
others were drawn before it, and the same seed gives the same bytes with the same Pillow.
"""

import colorsys
import hashlib
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from office31_cli import storage
from office31_cli.data import manifest
from office31_cli.observer import SILENT, Observer

UNLIKE = 0.045
"""The least mean difference of ink between two symbols, of 1."""

MANIFEST = "manifest.json"
"""Beside the domain folders: the seed, and the SHA-256 of every picture by its path."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """How a domain sees things; the ranges are drawn from anew for every picture."""

    photographs: int  # of each item
    side: int  # pixels
    turn: float  # largest rotation either way, in degrees
    zoom: tuple[float, float]  # half the symbol's size over half the picture's
    shift: float  # largest move off the centre, over half the picture's side
    tilt: float  # largest perspective: by how much nearer things are larger
    hue: float  # standard deviation of the colours' change, in turns of the colour circle
    backdrop: float  # 0: white; 1: soft patches down to black
    shadow: float  # how dark the symbol's shadow is, 0 to 1
    blur: float  # radius in pixels
    contrast: float  # 1: as drawn; below: towards grey
    tint: tuple[float, float, float]  # mean gain of red, green and blue
    noise: float  # standard deviation of the sensor's noise, of 255


CAMERAS = {
    "amazon": Camera(
        photographs=30, side=80, turn=14, zoom=(0.62, 0.80), shift=0.06, tilt=0.0, hue=0.03, backdrop=0.08,
        shadow=0.0, blur=0.0, contrast=1.0, tint=(1.0, 1.0, 1.0), noise=2.0,
    ),
    "dslr": Camera(
        photographs=10, side=96, turn=25, zoom=(0.48, 0.70), shift=0.12, tilt=0.22, hue=0.04, backdrop=0.30,
        shadow=0.4, blur=0.0, contrast=1.0, tint=(1.0, 1.0, 1.0), noise=2.0,
    ),
    "webcam": Camera(
        photographs=14, side=64, turn=28, zoom=(0.45, 0.70), shift=0.15, tilt=0.20, hue=0.05, backdrop=0.12,
        shadow=0.2, blur=0.8, contrast=0.92, tint=(0.94, 1.0, 1.03), noise=14.0,
    ),
}  # fmt: skip
"""The three domains."""


@dataclass(frozen=True)
class Mark:
    """One part of a symbol: a stroke along points, or the area within them."""

    points: Array  # (n, 2) in [-1, 1], y downwards
    filled: bool
    hue: float  # in turns of the colour circle
    value: float  # brightness, 0 to 1


def items() -> tuple[str, ...]:
    """The 31 item names of Office-31, in order."""
    return tuple(sorted({entry.item for entry in manifest.entries().values()}))


def draw(root: Path, *, seed: int = 0, observer: Observer = SILENT) -> None:
    """Draw all pictures as `root`/DOMAIN/ITEM/frame_NNNN.jpg, and the manifest beside them.

    `root` is a folder without any of them yet; the files are written but not synced.
    """
    symbols = dict(zip(items(), distinct_symbols(len(items()), seed), strict=True))
    hashes = {}
    total = len(symbols) * sum(camera.photographs for camera in CAMERAS.values())
    with observer.track("drawing the sample", total) as advance:
        for domain, camera in CAMERAS.items():
            for item, symbol in symbols.items():
                storage.make_folder(root / domain / item)
                for frame in range(1, camera.photographs + 1):
                    name = f"{domain}/{item}/frame_{frame:04d}.jpg"
                    content = photograph(symbol, camera, _stream(seed, name))
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


def distinct_symbols(number: int, seed: int) -> list[tuple[Mark, ...]]:
    """Random symbols of which no two look alike: a candidate too near to an earlier one is dropped."""
    symbols: list[tuple[Mark, ...]] = []
    looks: list[Array] = []
    rng = _stream(seed, "symbols")
    while len(symbols) < number:
        symbol = _symbol(rng)
        look = appearance(symbol)
        visible = look.mean() > 0.04
        if visible and all(np.abs(look - other).mean() > UNLIKE for other in looks):
            symbols.append(symbol)
            looks.append(look)
    return symbols


def appearance(symbol: tuple[Mark, ...]) -> Array:
    """A symbol as a coarse camera sees it on white: ink, (12, 12, 3) in [0, 1], for comparing two symbols."""
    canvas = Image.new("RGB", (96, 96), "white")
    _ink(canvas, symbol, np.diag([0.75, 0.75, 1.0]), width=0.16)
    return 1 - np.asarray(canvas.reduce(8), dtype=np.float64) / 255


def photograph(symbol: tuple[Mark, ...], camera: Camera, rng: np.random.Generator) -> bytes:
    """One picture of a symbol as a JPEG file's bytes; drawn at twice the size for smooth edges."""
    side = 2 * camera.side
    pose = _pose(camera, rng)
    width = rng.uniform(0.12, 0.20)
    shift_of_hue = rng.normal(0, camera.hue)
    marks = [Mark(m.points, m.filled, m.hue + shift_of_hue, m.value * rng.uniform(0.9, 1.1)) for m in symbol]

    canvas = _backdrop(camera, side, rng)
    if camera.shadow:
        _cast_shadow(canvas, marks, pose, width, camera.shadow, rng)
    _ink(canvas, marks, pose, width)
    picture = canvas.reduce(2).filter(ImageFilter.GaussianBlur(camera.blur))

    pixels = np.asarray(picture, dtype=np.float64)
    pixels = 128 + camera.contrast * (pixels - 128)
    pixels *= np.array(camera.tint) * rng.normal(1, 0.03, 3)
    pixels += rng.normal(0, camera.noise, pixels.shape)
    file = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=85)
    return file.getvalue()


def _stream(seed: int, what: str) -> np.random.Generator:
    """The random numbers for one thing to draw, whatever else is drawn and in which order."""
    digest = hashlib.sha256(f"{seed}/{what}".encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16])))


def _symbol(rng: np.random.Generator) -> tuple[Mark, ...]:
    """Two to four marks in two colours, centred and scaled to the unit circle."""
    shapes = [_SHAPES[rng.integers(len(_SHAPES))](rng) for _ in range(rng.integers(2, 5))]
    everything = np.concatenate([points for points, _ in shapes])
    centre = (everything.max(0) + everything.min(0)) / 2
    radius = np.linalg.norm(everything - centre, axis=1).max()
    first = rng.uniform()
    hues = (first, first + rng.uniform(0.25, 0.75))
    return tuple(
        Mark((points - centre) / radius, filled, hues[index % 2], rng.uniform(0.35, 0.75))
        for index, (points, filled) in enumerate(shapes)
    )


def _polyline(rng: np.random.Generator) -> tuple[Array, bool]:
    return rng.uniform(-1, 1, (rng.integers(2, 5), 2)), False


def _polygon(rng: np.random.Generator) -> tuple[Array, bool]:
    angles = rng.uniform(0, 2 * np.pi) + np.linspace(0, 2 * np.pi, rng.integers(3, 6), endpoint=False)
    return rng.uniform(-0.5, 0.5, 2) + rng.uniform(0.3, 0.7) * _circle(angles), True


def _arc(rng: np.random.Generator) -> tuple[Array, bool]:
    angles = rng.uniform(0, 2 * np.pi) + np.linspace(0, rng.uniform(1.0, 2.0) * np.pi, 24)
    return rng.uniform(-0.5, 0.5, 2) + rng.uniform(0.4, 0.8) * _circle(angles), False


def _dot(rng: np.random.Generator) -> tuple[Array, bool]:
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return rng.uniform(-0.8, 0.8, 2) + rng.uniform(0.15, 0.35) * _circle(angles), True


_SHAPES: tuple[Callable[[np.random.Generator], tuple[Array, bool]], ...] = (_polyline, _polygon, _arc, _dot)


def _circle(angles: Array) -> Array:
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _pose(camera: Camera, rng: np.random.Generator) -> Array:
    """The homography (3, 3) that takes a symbol's points to the picture, both in [-1, 1]."""
    turn = np.radians(rng.uniform(-camera.turn, camera.turn))
    zoom = rng.uniform(*camera.zoom)
    cosine, sine = zoom * np.cos(turn), zoom * np.sin(turn)
    right, down = rng.uniform(-camera.shift, camera.shift, 2)
    lean = rng.uniform(-camera.tilt, camera.tilt, 2)
    return np.array([[cosine, -sine, right], [sine, cosine, down], [*lean, 1.0]])


def _ink(
    canvas: Image.Image,
    marks: Iterable[Mark],
    pose: Array,
    width: float,
    colour: tuple[int, int, int] | None = None,
) -> None:
    """Draw the marks onto the square canvas, in their own colours or all in one."""
    brush = ImageDraw.Draw(canvas)
    half = canvas.width / 2
    thickness = round(width * half * float(pose[0, 0]))
    for mark in marks:
        seen = np.column_stack([mark.points, np.ones(len(mark.points))]) @ pose.T
        points = [tuple(point) for point in half * (1 + seen[:, :2] / seen[:, 2:])]
        red, green, blue = colorsys.hsv_to_rgb(mark.hue % 1, 0.8, min(mark.value, 1.0))
        ink = colour or (round(255 * red), round(255 * green), round(255 * blue))
        if mark.filled:
            brush.polygon(points, fill=ink)
        else:
            brush.line(points, fill=ink, width=thickness, joint="curve")


def _backdrop(camera: Camera, side: int, rng: np.random.Generator) -> Image.Image:
    """What lies behind the symbol: large soft patches, mostly grey, none darker than 1 - `backdrop` of white."""
    depth = 0.7 * rng.uniform(0, 1, (3, 3, 1)) + 0.3 * rng.uniform(0, 1, (3, 3, 3))
    patches = 255 * (1 - camera.backdrop * depth)
    return Image.fromarray(patches.astype(np.uint8)).resize((side, side), Image.Resampling.BICUBIC)


def _cast_shadow(
    canvas: Image.Image, marks: list[Mark], pose: Array, width: float, darkness: float, rng: np.random.Generator
) -> None:
    """Darken the canvas where the marks, moved a little and softened, keep the light away."""
    away = np.eye(3)
    away[:2, 2] = rng.uniform(-0.15, 0.15, 2)
    shade = Image.new("RGB", canvas.size, "black")
    _ink(shade, marks, away @ pose, width, colour=(255, 255, 255))
    mask = shade.convert("L").filter(ImageFilter.GaussianBlur(canvas.width / 40))
    canvas.paste("black", mask=mask.point([round(darkness * level) for level in range(256)]))
