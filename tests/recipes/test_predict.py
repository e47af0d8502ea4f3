"""What is on pictures of one's own, from Python."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from office31_cli import Options, evaluate, predict, pretrain
from office31_cli.data import container_formats
from office31_cli.data.folder import open_folder
from office31_cli.errors import Failed, Misuse, Refused
from office31_cli.observer import SILENT
from office31_cli.recipes.predict import command
from office31_cli.recipes.predict.results import Prediction
from office31_cli.registry import Registry
from office31_cli.workflow.calibration import Calibration, load_calibration
from office31_cli.workflow.predictions import predict_domain
from tests.helpers.small_data import Listener, draw
from tests.helpers.small_training import ITEMS, make_things

CALIBRATION = Calibration(
    temperature=2.0, fitted_on="amazon, held out", labels={}, ece_before=0.2, ece_after=0.1, scores=(0.125, 0.25, 2.0)
)

OUTPUTS = "item+domain+megapixels+web"


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with a model that was trained on one-coloured pictures, which lie in `things` below it."""
    home = tmp_path_factory.mktemp("stored")
    make_things(home / "things", "amazon", "phone")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("OFFICE31_HOME", str(home))
        options = Options(epochs=6, batch_size=8, outputs=OUTPUTS)
        pretrain(["amazon"], data=str(home / "things"), backbone="convnet", options=options)
    return home


@pytest.fixture
def things(stored: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OFFICE31_HOME", str(stored))
    return stored / "things"


def told(*pictures: Path, **more: Any) -> list[Prediction]:
    return list(predict(pictures, **more))


def test_it_answers_as_evaluate_does(things: Path) -> None:
    found = told(things / "phone", top=len(ITEMS))
    right = [each.item == Path(each.path).parent.name for each in found]
    assert sum(right) / len(right) == evaluate("phone").accuracy
    entry = Registry().entries()[0]
    asked = {"device": "auto", "skip_bad": False, "observer": SILENT}
    answers = predict_domain(entry, open_folder(things), "phone", None, **asked)  # type: ignore[arg-type]
    assert [Path(each.path).name for each in found] == [Path(name).name for name in answers.photographs.files]
    calibration = load_calibration(entry)
    shares = calibration.calibrate(answers.probabilities) if calibration else answers.probabilities
    for each, row in zip(found, shares, strict=True):
        assert dict(each.top) == pytest.approx(dict(zip(entry.card.items, row, strict=True)), abs=1e-6)


@pytest.mark.fault(72)
@pytest.mark.parametrize("size", [1, 7, 64])
def test_the_batch_size_changes_no_answer(things: Path, size: int) -> None:
    usual, found = told(things / "amazon"), told(things / "amazon", batch_size=size)
    assert [(each.path, each.item) for each in found] == [(each.path, each.item) for each in usual]
    confidences = [each.confidence for each in found]
    assert confidences == pytest.approx([each.confidence for each in usual], abs=0.02)  # bfloat16 rounds by batch


def test_the_likeliest_come_first_and_their_shares_are_those_of_one(things: Path) -> None:
    for each in told(things / "phone", top=99):
        assert {item for item, _ in each.top} == set(ITEMS)
        shares = [share for _, share in each.top]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(1)
        assert (each.item, each.confidence) == each.top[0]
    assert all(len(each.top) == 2 for each in told(things / "phone", top=2))


def test_it_abstains_where_it_is_less_confident(things: Path) -> None:
    free = told(things / "phone")
    least = float(np.median([each.confidence for each in free]))
    for before, each in zip(free, told(things / "phone", min_confidence=least), strict=True):
        assert each.item == (before.item if before.confidence >= least else None)
        assert (each.confidence, each.top) == (before.confidence, before.top)
        assert each.to_json()["abstained"] == (each.item is None)


def test_a_calibration_mends_the_confidence_and_makes_sets(things: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "load_calibration", lambda entry: None)
    plain = told(things / "phone", top=len(ITEMS))
    monkeypatch.setattr(command, "load_calibration", lambda entry: CALIBRATION)
    found = predict([things / "phone"], top=len(ITEMS), coverage=0.5)
    assert found.head().items() >= {"calibrated": True, "calibrated_on": "amazon, held out", "coverage": 0.5}.items()
    for before, each in zip(plain, found, strict=True):
        assert each.item == before.item
        powers = {item: share**0.5 for item, share in before.top}  # at a temperature of 2
        expected = {item: power / sum(powers.values()) for item, power in powers.items()}
        assert dict(each.top) == pytest.approx(expected, rel=1e-4, abs=1e-9)
        likely = [item for item, share in before.top if -np.log(share) <= 0.25]  # the second of three scores
        assert each.set == (likely or [before.item])


def test_what_was_held_out_is_what_a_trained_model_is_calibrated_on(things: Path) -> None:
    found = predict(things, coverage=0.5)
    assert found.calibrated_on == "amazon, held out"
    for each in found:
        assert each.set is not None
        assert each.set[0] == each.item


def test_without_a_calibration_there_are_no_sets(things: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "load_calibration", lambda entry: None)
    assert predict([things]).head().items() >= {"calibrated": False, "calibrated_on": None}.items()
    with pytest.raises(Failed, match=r"^--coverage 0\.9: amazon-convnet has no calibration, .*--held-out above 0$"):
        predict([things], coverage=0.9)


def test_every_output_is_told(things: Path) -> None:
    (each,) = told(things / "amazon" / "mug" / "0.png")
    outputs = each.to_json()["outputs"]
    assert outputs.keys() == {"domain", "megapixels", "web"}
    assert outputs["domain"]["value"] in ("amazon", "phone")
    assert 0.5 <= outputs["domain"]["confidence"] <= 1
    assert isinstance(outputs["web"]["value"], bool)
    assert 0.5 <= outputs["web"]["confidence"] <= 1
    assert isinstance(outputs["megapixels"]["value"], float)
    assert outputs["megapixels"]["confidence"] is None


# ---- one picture, as people have it


def scene() -> Image.Image:
    """Sixteen grey-free colours in blocks: what a palette, and a format of whatever kind, can hold exactly."""
    blocks = np.random.default_rng(1).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    return Image.fromarray(blocks.repeat(12, 0).repeat(12, 1))


def grey(picture: Image.Image) -> Image.Image:
    return picture.convert("L")


def sixteen_bits(picture: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(grey(picture)).astype(np.uint16) * 257)


def with_alpha(picture: Image.Image) -> Image.Image:
    """Three quarters of the picture, and nothing but transparency where the rest of it is white."""
    covered = picture.convert("RGBA")
    covered.paste((1, 2, 3, 0), (0, 0, 72, 12))
    return covered


def on_white(picture: Image.Image) -> Image.Image:
    whitened = picture.copy()
    whitened.paste("white", (0, 0, 72, 12))
    return whitened


def lying(picture: Image.Image) -> Image.Image:
    """As a camera stores it that was held upright, and says so."""
    return picture.transpose(Image.Transpose.ROTATE_90)


def same(picture: Image.Image) -> Image.Image:
    return picture


EXIF = Image.Exif()
EXIF[0x0112] = 6

EXACT: list[tuple[str, Callable[[Image.Image], Image.Image], Callable[[Image.Image], Image.Image], dict[str, Any]]] = [
    ("a.bmp", same, same, {}),
    ("a.ppm", same, same, {}),
    ("a.tif", same, same, {}),
    ("a.tiff", lambda picture: picture.convert("CMYK"), same, {}),
    ("a.gif", lambda picture: picture.quantize(24), same, {}),
    ("a.png", lambda picture: picture.quantize(24), same, {}),
    ("a.webp", same, same, {"lossless": True}),
    ("b.webp", with_alpha, on_white, {"lossless": True, "exact": True}),
    ("b.png", with_alpha, on_white, {}),
    ("c.png", grey, grey, {}),
    ("d.png", sixteen_bits, grey, {}),
    ("d.tif", sixteen_bits, grey, {}),
    ("e.png", lying, same, {"exif": EXIF}),
    ("e.tif", lying, same, {"exif": EXIF}),
    ("e.webp", lying, same, {"exif": EXIF, "lossless": True}),
]


@pytest.mark.parametrize(("name", "stored_as", "seen_as", "options"), EXACT, ids=[each[0] for each in EXACT])
@pytest.mark.usefixtures("things")
def test_a_picture_is_the_same_in_every_format(
    tmp_path: Path,
    name: str,
    stored_as: Callable[[Image.Image], Image.Image],
    seen_as: Callable[[Image.Image], Image.Image],
    options: dict[str, Any],
) -> None:
    seen_as(scene()).convert("RGB").save(tmp_path / "plain.png")
    stored_as(scene()).save(tmp_path / name, **options)
    plain, found = told(tmp_path / "plain.png", tmp_path / name, top=3)
    assert dict(found.top) == pytest.approx(dict(plain.top), rel=1e-5, abs=0)


@pytest.mark.parametrize("mode", ["RGB", "CMYK"])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.usefixtures("things")
def test_a_jpeg_is_close_to_what_it_was_made_from(tmp_path: Path, mode: str, turned: bool) -> None:
    scene().save(tmp_path / "plain.png")
    stored = (lying if turned else same)(scene()).convert(mode)
    stored.save(tmp_path / "a.jpg", quality=100, subsampling=0, **({"exif": EXIF} if turned else {}))
    plain, found = told(tmp_path / "plain.png", tmp_path / "a.jpg", top=3)
    assert dict(found.top) == pytest.approx(dict(plain.top), abs=0.05)


# ---- what cannot be read


def test_what_cannot_be_read_is_told_of_and_the_others_go_on(things: Path, tmp_path: Path) -> None:
    draw(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("no picture")
    os.mkfifo(tmp_path / "c.png")
    (tmp_path / "d.png").symlink_to("gone.png")
    draw(tmp_path / "e.png")
    listener = Listener()
    found = predict([tmp_path], observer=listener, batch_size=2)
    assert [Path(each.path).name for each in found] == ["a.png", "e.png"]
    assert [Path(each.path).name for each in found.unreadable] == ["b.png", "c.png", "d.png"]
    assert [each.to_json()["why"] for each in found.unreadable] == [
        "cannot be read: it is no picture in a known format",
        "cannot be read: it is no regular file",
        "cannot be read: No such file or directory",
    ]
    assert len(listener.warned) == 3
    assert listener.tracked == [(5, 0, 5)]
    found.check(skip_bad=True)
    with pytest.raises(Failed, match=r"^3 of 5 pictures: .*b\.png cannot be read: .* \(and 2 others\); replace it"):
        found.check()


@pytest.mark.parametrize("skip_bad", [False, True])
@pytest.mark.usefixtures("things")
def test_a_picture_that_claims_too_much_is_refused_in_the_end(tmp_path: Path, skip_bad: bool) -> None:
    draw(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("no picture")
    (tmp_path / "c.ppm").write_bytes(b"P6 11000 11000 255\n")
    found = predict([tmp_path])
    assert len(list(found)) == 1
    with pytest.raises(Refused, match=r"^1 of 3 pictures: .*c\.ppm claims 11000 x 11000 pixels"):
        found.check(skip_bad=skip_bad)


@pytest.mark.usefixtures("things")
def test_a_folder_without_pictures(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("")
    with pytest.raises(Failed, match="there are no pictures in it"):
        predict([tmp_path / "empty"])
    draw(tmp_path / "full" / "a.png")
    listener = Listener()
    assert len(list(predict([tmp_path / "empty", tmp_path / "full"], observer=listener))) == 1
    assert listener.warned == [f"{tmp_path / 'empty'}: there are no pictures in it"]


@pytest.mark.usefixtures("things")
def test_nothing_is_no_picture() -> None:
    with pytest.raises(Failed, match="nothing: there are no pictures in it"):
        predict([])


def test_one_may_be_named_by_itself(things: Path) -> None:
    (found,) = predict(str(things / "phone" / "mug" / "0.png"))
    assert found.path == str(things / "phone" / "mug" / "0.png")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"top": 0}, "--top 0"),
        ({"batch_size": 0}, "--batch-size 0"),
        ({"min_confidence": 1.1}, "--min-confidence 1.1"),
        ({"min_confidence": float("nan")}, "--min-confidence nan"),
        ({"coverage": 1.0}, "--coverage 1: not between 0 and 1"),
        ({"device": "gpu"}, "--device gpu"),
        ({"model": "nope"}, "nope"),
    ],
)
def test_what_makes_no_sense_is_misuse(things: Path, more: dict[str, Any], says: str) -> None:
    with pytest.raises(Misuse, match=says):
        predict([things], **more)


@pytest.mark.usefixtures("home")
def test_without_a_model_it_says_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"no stored model: .*office31 pretrain"):
        predict([draw(tmp_path / "a.png")])


def test_a_picture_whose_decoder_is_missing_is_named_with_what_to_install(
    things: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container_formats, "load_decoder", lambda container: False)
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf")
    draw(tmp_path / "b.png")
    listener = Listener()
    predictions = predict(tmp_path, observer=listener)
    assert [Path(each.path).name for each in predictions] == ["b.png"]
    (warned,) = listener.warned
    assert warned.endswith(
        "it is in the format HEIF, whose decoder is not installed; run: pip install 'office31-cli[heif]'"
    )
    with pytest.raises(Failed):
        predictions.check(skip_bad=False)
