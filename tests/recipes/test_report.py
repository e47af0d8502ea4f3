"""What a report holds and what its page shows, for every kind of model and photograph."""

import base64
import hashlib
import io
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from office31_cli import adapt, evaluate, finetune, pretrain
from office31_cli.errors import Misuse, Refused
from office31_cli.metrics.significance import mcnemar_test
from office31_cli.models.stored import load_network
from office31_cli.recipes.models.rows import ModelDetails
from office31_cli.recipes.report.command import report
from office31_cli.recipes.report.figures import write_figures
from office31_cli.recipes.report.report import Report
from office31_cli.registry import MODEL_FILE, Entry, Registry, upkeep
from office31_cli.render.models import render_model as card_table
from office31_cli.workflow import predictions, seen_labels
from tests.helpers.read_page import Read
from tests.helpers.small_training import ITEMS, PICTURES, QUICK, make_things

SECTIONS = ["score", "lineage", "training", "items", "confusion", "embedding", "calibration", "photographs", "repeat"]
OF_LABELS = ["items", "confusion", "calibration"]
ALL = len(ITEMS) * PICTURES


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a model of shop, and below it one adapted to phone, one fine-tuned on it, one adapted to heap."""
    root = tmp_path_factory.mktemp("reported")
    things = make_things(root / "things", "shop", "phone")
    (things / "heap").mkdir()
    for number, picture in enumerate(sorted((things / "phone").glob("*/*"))):
        shutil.copy(picture, things / "heap" / f"{number:02}.png")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("OFFICE31_HOME", str(root / "home"))
        pretrain(["shop"], data=str(things), backbone="convnet", options=replace(QUICK, name="base"))
        for target in ("heap", "phone"):
            options = replace(QUICK, epochs=3, held_out=0.0, name=f"to-{target}")
            adapt(target, model="base", method="mcc", steps=2, options=options)
        finetune("phone", model="base", options=replace(QUICK, name="tuned"))
    return root / "home"


@pytest.fixture(autouse=True)
def home(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OFFICE31_HOME", str(made))
    return made


@pytest.fixture(scope="module")
def adapted(made: Path) -> Report:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("OFFICE31_HOME", str(made))
        return report("to-phone")


def test_scores_are_evaluates_and_the_test_counts_the_photographs_between_them(adapted: Report) -> None:
    this, other = (evaluate("phone", model=name, confusion=True) for name in ("to-phone", "base"))
    assert adapted.this.scored == this
    assert adapted.other is not None
    assert adapted.other.scored == other
    assert adapted.paired is not None
    assert adapted.paired.only_this - adapted.paired.only_other == round(ALL * (this.accuracy - other.accuracy))
    assert adapted.paired.p_value == mcnemar_test(adapted.paired.only_this, adapted.paired.only_other)


def test_every_figure_tells_of_the_same_photographs(adapted: Report) -> None:
    assert adapted.this.scored is not None
    right = round(ALL * adapted.this.scored.accuracy)
    assert adapted.confusion is not None
    assert (adapted.confusion.sum(), adapted.confusion.trace()) == (ALL, right)
    assert sum(round(row.photographs * row.accuracy) for row in adapted.per_item) == right
    assert [row.accuracy for row in adapted.per_item] == sorted(row.accuracy for row in adapted.per_item)
    assert sum(each.photographs for each in adapted.reliability[-1].bins) == ALL
    errors = [(row.model, row.temperature is None, row.ece) for row in adapted.reliability]
    base, this = (evaluate("phone", model=name).calibration for name in ("base", "to-phone"))
    assert errors == [
        ("base", True, base["ece_before"]),
        ("base", False, base["ece_after"]),
        ("to-phone", True, this["ece_before"]),
        ("to-phone", False, this["ece_after"]),
    ]
    assert adapted.embedding is not None
    before, after = adapted.embedding.panels
    assert after.target.right is not None
    assert (len(after.target.points), int(after.target.right.sum())) == (ALL, right)
    assert after.source is not None
    assert (after.source.domain, len(after.source.points), before.model) == ("shop", ALL, "base")


def test_the_curves_are_those_of_the_card(adapted: Report) -> None:
    card, noted = adapted.this.entry.card, adapted.curves
    assert noted.losses.keys() == {"item", "confusion"}
    assert noted.losses["item"] == [row["item"] for row in card.history]
    assert noted.accuracies["phone"][-1] == card.metrics["scores"]["last"]
    assert (noted.judge, noted.picked) == ("im", int(np.argmax(noted.validators["im"])) + 1)


def test_the_galleries_hold_what_they_promise(adapted: Report) -> None:
    assert [gallery.title for gallery in adapted.galleries][1] == "Least sure"
    mistakes, unsure = adapted.galleries[0].pictures, adapted.galleries[1].pictures
    assert all(picture.actual != picture.predicted for picture in mistakes)
    assert [p.confidence for p in mistakes] == sorted((p.confidence for p in mistakes), reverse=True)
    least = adapted.this.target.probabilities.max(1).min()
    assert unsure[0].confidence == pytest.approx(least)
    for picture in (*mistakes, *unsure):
        assert picture.file.split("/")[:2] == ["phone", picture.actual]


def test_the_page_shows_all_that_there_is_and_needs_nothing_else(adapted: Report) -> None:
    content = adapted.to_html()
    read = Read(content.encode())
    assert read.sections == SECTIONS
    assert all(name in read.text for name in ("to-phone", "base", "mcc", *ITEMS))
    assert not read.tags & {"script", "iframe", "object", "embed", "form", "base", "audio", "video"}
    assert all(address.startswith(("#", "data:,", "data:image/jpeg;base64,")) for address in read.addresses)
    assert "url(" not in read.style
    assert "@import" not in read.style
    digest = base64.b64encode(hashlib.sha256(read.style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:;" in read.policy
    assert report("to-phone").to_html() == content


def test_each_model_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is hashed and built for that, which takes longer than all the rest where features are cached."""
    loaded = []

    def load(entry: Entry) -> Any:
        loaded.append(entry.name)
        return load_network(entry)

    monkeypatch.setattr(predictions, "load_network", load)
    shown = report("to-phone", embedding="pca")
    assert shown.this.source is not None  # so each has answered to two domains
    assert sorted(loaded) == ["base", "to-phone"]


def test_held_out_accuracies_are_no_losses(tmp_path: Path) -> None:
    """They are noted for TensorBoard."""
    pytest.importorskip("tensorboard")
    data = report("base").this.entry.card.data["location"]
    options = replace(QUICK, name="recorded", epochs=2, tensorboard=tmp_path, outputs="item+domain")
    pretrain(["shop", "phone"], data=data, backbone="convnet", options=options)
    noted, card = report("recorded").curves, Registry().find("recorded").card
    assert "held-out item" in card.history[0]
    assert noted.losses.keys() == {"item", "domain"}
    assert noted.accuracies == {"the held-out set": [row["held-out item"] for row in card.history]}


@pytest.mark.parametrize(
    "change",
    [
        {"metrics": {"accuracies": []}},
        {"metrics": {"accuracies": ["x", None, 1e308, -1e308]}},
        {"history": [{}]},
        {"history": [{"loss": 1e308}, {"loss": -1e308}, {"loss": 0.5}]},
    ],
)
@pytest.mark.fault(69)
def test_a_foreign_card_of_odd_numbers_is_shown(change: dict[str, Any], tmp_path: Path) -> None:
    foreign = published(**change)
    found = report(foreign.id, embedding="pca")
    assert "nan %" not in Read(found.to_html().encode()).text
    assert write_figures(found, tmp_path)
    Console(file=io.StringIO()).print(card_table(ModelDetails(foreign), charts=True))


@pytest.mark.fault(57, 69)
def test_a_record_of_labels_that_is_nested_too_deeply_is_refused() -> None:
    with pytest.raises(Refused, match="not a record of labels"):
        report(published(b"[" * 100_000 + b"]" * 100_000).id)


def published(labels: bytes | None = None, **change: Any) -> Entry:
    """The model `to-phone` as a foreign file could have brought it: with another card, or another record of labels."""
    entry = Registry().find("to-phone")
    content = {name: (entry.folder / name).read_bytes() for name in (MODEL_FILE, seen_labels.FILE)}
    if labels is not None:
        content[seen_labels.FILE] = labels
    return Registry().publish(replace(entry.card, **change), content, suggested="foreign")


def test_a_fine_tuned_model_is_shown_on_what_it_has_not_learnt_from() -> None:
    found = report("tuned")
    assert (found.split, found.this.scored) == ("phone:test", evaluate("phone", model="tuned", confusion=True))
    assert found.other is not None
    assert found.other.entry.name == "base"
    assert set(found.other.target.photographs.digests) == set(found.this.target.photographs.digests)


def test_two_models_are_held_against_each_other_on_the_same_photographs() -> None:
    found = report("to-phone", compare="tuned")
    assert (found.split, found.other and found.other.scored) == (
        "phone:all",
        evaluate("phone:all", model="tuned", confusion=True),
    )
    learnt = ALL * 4 // 5
    assert f"tuned was trained on the labels of {learnt} of them" in Read(found.to_html().encode()).text


def test_a_score_that_is_not_honest_says_so() -> None:
    assert "Not an honest score" in Read(report("tuned", split="phone:all").to_html().encode()).text


def test_a_model_from_the_start_stands_alone() -> None:
    found = report("base")
    assert (found.split, found.other, found.paired) == ("shop:test", None, None)
    read = Read(found.to_html().encode())
    assert read.sections == SECTIONS
    assert "it was trained from the start" in read.text
    assert "Trained on shop" in read.text


def test_photographs_without_labels_are_shown_without_what_labels_tell(tmp_path: Path) -> None:
    found = report("to-heap")
    assert (found.split, found.this.scored, found.paired, found.confusion) == ("heap:all", None, None, None)
    read = Read(found.to_html().encode())
    assert read.sections == [section for section in SECTIONS if section not in OF_LABELS]
    assert "nothing can be scored" in read.text
    assert [(each.title, each.meaning) for each in found.galleries] == [
        (
            "Least sure",
            "Classified with the least confidence, correctly or not.",
        )  # of a sure model this may still be much
    ]
    assert {path.stem for path in write_figures(found, tmp_path)} == {"curves", "embedding"}
    with pytest.raises(Misuse, match="no item folders"):
        report("to-heap", split="heap:test")


def test_a_model_whose_parent_is_gone_says_so_and_can_still_be_repeated() -> None:
    options = replace(QUICK, held_out=0.0)
    pretrain(
        ["shop"],
        data=report("base").this.entry.card.data["location"],
        backbone="convnet",
        options=replace(options, name="lost"),
    )
    adapt("phone", model="lost", method="mcc", steps=2, options=replace(options, name="orphan"))
    upkeep.remove(Registry(), "lost", force=True)
    found = report("orphan")
    assert found.other is None
    assert "is not here" in found.alone
    assert [words[1] for words in found.commands] == ["pretrain", "adapt"]  # its card is kept
    assert ("removed", "ancestor") in [(each.state, each.role) for each in found.family]


def test_a_large_family_is_counted() -> None:
    for number in range(6):
        finetune("phone", model="base", options=replace(QUICK, epochs=1, seed=number, name=f"child-{number}"))
    found = report("to-phone")
    roles = [(each.name, each.role) for each in found.family]
    assert ("base", "other") in roles
    assert ("to-phone", "this") in roles
    assert sum(each.left_out for each in found.family) > 0
    assert len(found.family) == 1 + 1 + 4 + 1  # the root, this one, four beside it, and the number of the others
