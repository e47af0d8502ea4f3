"""`office31 predict` as it is typed: what it prints, in which order, and how it ends."""

import csv
import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.real_command import Command
from tests.helpers.small_data import draw

HOSTILE = (
    "=cmd|'C calc'!A0.png",
    "@SUM(1,2).png",
    "+1-1.png",
    "-rf.png",
    "\t=1.png",
    "[red]x[bold].png",
    "\x1b[2J\x1b]0;owned\x07.png",
    'quo"te,\nline.png',
    "\u202egnp.png",
    "カメラ.png",
    os.fsdecode(b"caf\xe9.png"),
)


@pytest.fixture(scope="module")
def asked(drawn: Command, pretrained: dict[str, Any]) -> Command:
    """The command with the drawn sample and a model of its amazon."""
    assert pretrained["model"]
    return drawn


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder of pictures whose names try what names can."""
    for number, name in enumerate(HOSTILE):
        draw(tmp_path / "names" / name, (9 * number, 90, 200))
    return tmp_path / "names"


def test_a_domain_s_folder_gives_the_accuracy_of_evaluate(asked: Command) -> None:
    folder = asked.home / "data" / "sample" / "webcam"
    pictures = asked.json("predict", folder)["pictures"]
    right = [each["item"] == Path(each["path"]).parent.name for each in pictures]
    scored = asked.json("evaluate", "--split", "webcam")
    assert len(pictures) == scored["photographs"]
    assert sum(right) / len(right) == scored["accuracy"]


def test_json_is_one_object_in_the_order_that_was_asked_for(asked: Command, pretrained: dict[str, Any]) -> None:
    folder = asked.home / "data" / "sample" / "dslr" / "mug"
    last, *_ = first = sorted(folder.iterdir(), reverse=True)
    code, out, err = asked("predict", last, folder, "--top", "2", "--json")
    assert (code, err) == (0, f"model: {pretrained['model']} ({pretrained['id']}), the newest that fits\n")
    found = json.loads(out)
    assert (found["model"], found["id"], found["unreadable"]) == (pretrained["model"], pretrained["id"], [])
    assert [each["path"] for each in found["pictures"]] == [str(last), *map(str, reversed(first))]
    for each in found["pictures"]:
        assert each.keys() >= {"path", "item", "confidence", "top"}
        assert len(each["top"]) == 2
        assert each["top"][0] == [each["item"], each["confidence"]]


def test_no_name_does_harm_in_json(asked: Command, hostile: Path) -> None:
    code, out, err = asked("predict", hostile, "--json")
    assert (code, err.count("\n")) == (0, 1)
    assert out.isascii()
    assert out.replace("\n", "").isprintable()
    assert [Path(each["path"]).name for each in json.loads(out)["pictures"]] == sorted(HOSTILE)


def test_no_name_does_harm_in_csv(asked: Command, hostile: Path) -> None:
    code, out, _ = asked("predict", ".", "--format", "csv", cwd=hostile, env={"PYTHONIOENCODING": "ascii"})
    assert code == 0
    assert out.replace("\n", "").isprintable()
    assert r"\u30ab\u30e1\u30e9.png" in out
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == len(HOSTILE)
    for row in rows:
        assert not row["path"].startswith(("=", "+", "-", "@", "\t", "\r"))
        assert 0 < float(row["confidence"]) <= 1
        assert row["item"] == row["top_1"]


def test_no_name_does_harm_in_the_table(asked: Command, hostile: Path) -> None:
    code, out, _ = asked("predict", "--", "-rf.png", ".", cwd=hostile)
    assert code == 0
    assert out.replace("\n", "").isprintable()
    assert "[red]x[bold].png" in out
    assert len([line for line in out.splitlines() if line.startswith("│")]) == len(HOSTILE) + 1


def test_what_cannot_be_read_is_listed_and_decides_the_exit_code(asked: Command, tmp_path: Path) -> None:
    good, bad = draw(tmp_path / "a.png"), tmp_path / "b.png"
    bad.write_text("no picture")
    why = "cannot be read: it is no picture in a known format"
    code, out, err = asked("predict", tmp_path, "--json", "--model", "amazon-convnet")
    warning, error = err.splitlines()
    assert (code, warning) == (1, f"warning: {bad}: {why}")
    assert error.startswith(f"error: 1 of 2 pictures: {bad} {why}; ")
    assert "--skip-bad" in error
    assert [each["path"] for each in json.loads(out)["pictures"]] == [str(good)]
    assert json.loads(out)["unreadable"] == [{"path": str(bad), "why": why}]
    again = asked("predict", tmp_path, "--json", "--model", "amazon-convnet", "--skip-bad")
    assert again == (0, out, warning + "\n")


def test_a_bomb_is_refused(asked: Command, tmp_path: Path) -> None:
    (tmp_path / "bomb.ppm").write_bytes(b"P6 90000 90000 255\n")
    code, out, err = asked("predict", tmp_path / "bomb.ppm", "--skip-bad", "--json")
    assert code == 3
    assert json.loads(out)["pictures"] == []
    assert "bomb.ppm claims" in err.splitlines()[-1]


def test_a_device_is_not_opened(asked: Command, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.jpg")
    code, _, err = asked("predict", "/dev/zero", tmp_path / "fifo.jpg", "--device", "cpu")
    assert code == 1
    assert err.count("it is no regular file") == 3


_BREAKS_OFF = """
from office31_cli.data import prefetch
decode, left = prefetch.decode, [40]
def decode_some(path, side):
    left[0] -= 1
    if left[0] < 0:
        raise MemoryError
    return decode(path, side)
prefetch.decode = decode_some
"""


def test_what_breaks_off_does_not_look_whole(asked: Command) -> None:
    folder = asked.home / "data" / "sample" / "dslr"
    code, out, err = asked("predict", folder, "--json", prelude=_BREAKS_OFF)
    assert code == 1
    assert err.splitlines()[-1].startswith("error: out of memory")
    assert out.count('"path"') > 0
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(out)


def test_a_reader_that_has_seen_enough_is_no_error(asked: Command) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    code, _, err = asked("predict", asked.home / "data" / "sample" / "dslr", stdout=write_end)
    os.close(write_end)
    assert (code, err.count("\n")) == (0, 1)


def test_a_model_whose_data_set_is_gone_still_names_pictures(
    owned: tuple[Command, dict[str, Any]], own_folder: Path, tmp_path: Path
) -> None:
    command = Command(shutil.copytree(owned[0].home, tmp_path / "home"))
    picture = shutil.copy(next((own_folder / "phone" / "vélo").iterdir()), tmp_path / "picture.png")
    (found,) = command.json("predict", picture)["pictures"]
    assert found["item"] in ("[red] pen", "mug", "vélo")
