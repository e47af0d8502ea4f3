"""Benchmarks of folders whose items differ, and by lists of items: what is scored, and by what."""

from pathlib import Path
from typing import Any

import pytest

from tests.helpers.real_command import Command, assert_error

QUICK = ("--backbone", "convnet", "--weights", "none", "--steps", "5", "--epochs", "2", "--batch-size", "8")


@pytest.fixture(scope="module")
def bench(stall: Path, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """The command with a home of its own; `stall` has 30 photographs of the shop, 30 of the floor, 4 not labelled."""
    return Command(tmp_path_factory.mktemp("home"))


def words(folder: Path, *more: object) -> tuple[object, ...]:
    return "benchmark", "--data", folder, *QUICK, "--methods", "erm,shot", "--seeds", "0,1", "--jobs", "1", *more


@pytest.fixture(scope="module")
def universal(bench: Command, stall: Path) -> dict[str, Any]:
    result: dict[str, Any] = bench.json(*words(stall, "--setting", "universal"))
    return result


def test_domains_that_differ_are_scored_on_the_items_that_they_share(bench: Command, stall: Path) -> None:
    code, out, err = bench(*words(stall, "--methods", "erm", "--tasks", "S-F"))
    assert code == 0
    assert "the domains hold different items: each task is the source's items against those of them" in err
    assert "partial (2 items shared, 1 missing), 2 seeds, last epoch, accuracy in %" in out
    result = bench.json(*words(stall, "--methods", "erm"))
    assert (result["setting"], result["metric"]) == ("partial", "accuracy")
    assert result["item_sets"]["S-F"] == {
        "shared": 2, "missing": 1, "unknown": 0, "source_photographs": 30, "target_photographs": 16
    }  # fmt: skip
    assert result["item_sets"]["F-S"]["source_photographs"] == 26
    for share in result["rows"][0]["tasks"]["S-F"]["runs"]:
        assert share * 16 == pytest.approx(round(share * 16))


def test_unknown_items_are_scored_by_hos(universal: dict[str, Any]) -> None:
    assert (universal["setting"], universal["metric"]) == ("universal", "hos")
    assert universal["item_sets"]["S-F"] == {
        "shared": 2, "missing": 1, "unknown": 1, "source_photographs": 30, "target_photographs": 30
    }  # fmt: skip
    for row in universal["rows"]:
        assert row["average"].keys() >= {"mean", "std", "os_star", "recall", "auroc"}
        for task in row["tasks"].values():
            for hos, known, unknown in zip(task["runs"], task["os_star"], task["recall"], strict=True):
                assert hos == pytest.approx(2 * known * unknown / (known + unknown) if known + unknown else 0)
            assert all(0 <= area <= 1 for area in task["auroc"])
            assert (task["selected"], task["oracle"]) == (None, None)


def test_the_table_says_what_its_figures_are(bench: Command, stall: Path) -> None:
    code, out, _ = bench(*words(stall, "--setting", "universal", "--methods", "erm"))
    assert code == 0
    for text in ("universal (2 items shared, 1 missing, 1 unknown)", "HOS in %", "OS*", "UNK", "area"):
        assert text in out
    assert "oracle" not in out
    code, out, _ = bench(*words(stall, "--setting", "universal", "--methods", "erm", "--format", "csv"))
    assert out.splitlines()[0].endswith("average,average std,os_star,recall,auroc,seconds,failed")


def test_lists_of_items_are_a_split_of_ones_own(
    bench: Command, stall: Path, universal: dict[str, Any], tmp_path: Path
) -> None:
    source, target = tmp_path / "source.txt", tmp_path / "target.txt"
    source.write_text("mug\npen\n", encoding="utf-8")
    target.write_text("\ufeffmug \r\npen\r\n\r\ntrolley\r\n", encoding="utf-8")
    result = bench.json(*words(stall, "--tasks", "S-F", "--source-items", source, "--target-items", target))
    assert (result["setting"], result["metric"]) == ("open", "hos")
    assert result["item_sets"]["S-F"]["source_photographs"] == 20
    assert result["rows"][0]["tasks"]["S-F"]["auroc"] != universal["rows"][0]["tasks"]["S-F"]["auroc"]
    same = bench.json(*words(stall, "--setting", "open", "--tasks", "S-F"))
    assert [row["tasks"] for row in same["rows"]] == [row["tasks"] for row in result["rows"]]


def test_the_known_split_is_that_of_the_set_with_these_items(drawn: Command) -> None:
    plan = drawn.json(*words(Path("sample"), "--setting", "open", "--tasks", "A-W", "--dry-run"))
    assert plan["cells"] == 4
    line = words(Path("sample"), "--setting", "open", "--published", "resnet-50")
    assert_error(drawn(*line), 2, "its figures are of Office-31, and sample holds other photographs")


def test_what_cannot_be_is_one_line(bench: Command, stall: Path, tmp_path: Path) -> None:
    listed = tmp_path / "items.txt"
    listed.write_text("mgu\n", encoding="utf-8")
    assert_error(bench(*words(stall, "--source-items", listed)), 2, "item mgu", "did you mean mug?")
    assert_error(bench(*words(stall, "--source-items", tmp_path / "none")), 2, "--source-items", "no such file")
    assert_error(bench(*words(stall, "--setting", "half")), 2, "--setting half")
