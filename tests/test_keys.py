import pytest

from office31_cli.data import cache
from office31_cli.data.cache import content_key
from office31_cli.engine.checkpoints import Checkpoints
from office31_cli.keys import run_key
from office31_cli.observer import SILENT
from office31_cli.workflow.partial_results import PartialResults

RUN = {"command": "pretrain", "seed": 0, "settings": {"lr": 0.01}, "listed": ["a", "é"]}


def test_what_earlier_versions_stored_is_found_again() -> None:
    """Features take minutes to compute, and an interrupted run is worth hours."""
    assert content_key(pixels="ab", side=8, decoder=1, skip_bad=False) == "afecc580f80638e6f7ab9a947a993774"
    assert run_key(**RUN) == "ac2aa3ae98a56525fe18529c5bc01af9"


def test_another_layout_of_caches_leaves_interrupted_runs_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    partial = PartialResults(SILENT)
    partial.keep(RUN, {"accuracy": 0.5})
    before = Checkpoints(RUN)
    monkeypatch.setattr(cache, "_LAYOUT", cache._LAYOUT + 1)
    assert content_key(pixels="ab", side=8, decoder=1, skip_bad=False) != "afecc580f80638e6f7ab9a947a993774"
    assert Checkpoints(RUN).folder == before.folder
    assert partial.find(RUN) == {"accuracy": 0.5}


def test_a_run_is_told_by_every_field_whatever_their_order() -> None:
    assert run_key(**dict(reversed(RUN.items()))) == run_key(**RUN)
    others = [{**RUN, "seed": 1}, {**RUN, "seed": "0"}, {**RUN, "listed": ["é", "a"]}, {"command": "pretrain"}]
    assert len({run_key(**RUN), *(run_key(**other) for other in others)}) == 1 + len(others)
