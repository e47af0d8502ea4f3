"""A data set more, through the real command."""

import zipfile
from pathlib import Path

from office31_cli.data.manifest import Manifest
from tests.helpers.real_command import Command, assert_error
from tests.helpers.small_data import lay_out

THINGS = """
from office31_cli.data.sets.base import ArchivedDataSet

class Set(ArchivedDataSet):
    title = "Things"
    mirrors = ()
"""


def test_a_file_and_its_manifest_are_enough_for_download_verify_and_data(run: Command, tmp_path: Path) -> None:
    original = lay_out(tmp_path / "original", "phone/mug", "phone/pen", "shop/mug", "shop/pen")
    added = tmp_path / "added"
    added.mkdir()
    (added / "things.py").write_text(THINGS)
    Manifest.scan(original).write(added / "things.csv.gz")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as packed:
        for picture in original.rglob("*.png"):
            packed.write(picture, picture.relative_to(original))
    prelude = f"from office31_cli.data import sets; sets.__path__.append({str(added)!r})"

    by_hand = "office31 download things --from FILE"
    assert_error(run("download", "things", prelude=prelude), 1, "no mirror could provide Things", by_hand)
    done = run("download", "things", "--from", tmp_path / "all.zip", prelude=prelude)
    assert (done.code, done.err) == (0, "")
    assert "things: 8 photographs of 2 items, verified" in done.out
    assert run("download", "things", "--verify", prelude=prelude).code == 0
    words = ("pretrain", "--data", "things", "--backbone", "convnet", "--domain", "shop", "--epochs", "1")
    assert run(*words, prelude=prelude).code == 0
    assert run("report", "shop-convnet", "--out", tmp_path / "page.html", prelude=prelude).code == 0
    assert "office31 download things" in (tmp_path / "page.html").read_text()
    (run.home / "data" / "things" / "phone" / "mug" / "frame_0.png").unlink()
    assert_error(
        run("download", "things", "--verify", prelude=prelude), 3, "1 file missing", "office31 download things"
    )
    assert_error(run("download", "thigns", prelude=prelude), 2, "did you mean things?")
