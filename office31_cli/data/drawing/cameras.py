"""The three cameras of the sample, and how each sees a symbol."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from office31_cli.data.drawing.symbols import Array, Mark, draw_marks


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


def take_photograph(symbol: tuple[Mark, ...], camera: Camera, rng: np.random.Generator) -> bytes:
    """One picture of a symbol as a JPEG file's bytes; drawn at twice the size for smooth edges."""
    side = 2 * camera.side
    pose = _draw_pose(camera, rng)
    width = rng.uniform(0.12, 0.20)
    shift_of_hue = rng.normal(0, camera.hue)
    marks = [Mark(m.points, m.filled, m.hue + shift_of_hue, m.value * rng.uniform(0.9, 1.1)) for m in symbol]

    canvas = _draw_backdrop(camera, side, rng)
    if camera.shadow:
        _cast_shadow(canvas, marks, pose, width, camera.shadow, rng)
    draw_marks(canvas, marks, pose, width)
    picture = canvas.reduce(2).filter(ImageFilter.GaussianBlur(camera.blur))

    pixels = np.asarray(picture, dtype=np.float64)
    pixels = 128 + camera.contrast * (pixels - 128)
    pixels *= np.array(camera.tint) * rng.normal(1, 0.03, 3)
    pixels += rng.normal(0, camera.noise, pixels.shape)
    file = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=85)
    return file.getvalue()


def _draw_pose(camera: Camera, rng: np.random.Generator) -> Array:
    """The homography (3, 3) that takes a symbol's points to the picture, both in [-1, 1]."""
    turn = np.radians(rng.uniform(-camera.turn, camera.turn))
    zoom = rng.uniform(*camera.zoom)
    cosine, sine = zoom * np.cos(turn), zoom * np.sin(turn)
    right, down = rng.uniform(-camera.shift, camera.shift, 2)
    lean = rng.uniform(-camera.tilt, camera.tilt, 2)
    return np.array([[cosine, -sine, right], [sine, cosine, down], [*lean, 1.0]])


def _draw_backdrop(camera: Camera, side: int, rng: np.random.Generator) -> Image.Image:
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
    draw_marks(shade, marks, away @ pose, width, colour=(255, 255, 255))
    mask = shade.convert("L").filter(ImageFilter.GaussianBlur(canvas.width / 40))
    canvas.paste("black", mask=mask.point([round(darkness * level) for level in range(256)]))
