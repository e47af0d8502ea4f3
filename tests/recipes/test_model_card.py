"""What a model card says, of models that are made up."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from office31_cli.recipes.models.model_card import write_card
from office31_cli.recipes.models.results import ExportResult
from office31_cli.registry import Card, Entry, Registry
from office31_cli.registry.lineage import list_ancestors
from office31_cli.results import Evaluation

HOSTILE = (
    "a|b",
    "<script>alert(1)</script>",
    "[x](http://evil.example)",
    "www.evil.example",
    "- a: b",
    "---",
    "`c`\n# d",
    "\u202egnp",
)

CARD = Card(
    command="pretrain",
    network={"backbone": "resnet18"},
    weights="none",
    train="head",
    items=HOSTILE,
    preprocessing={},
    data={"name": "ours: [1]", "location": "/home/somebody/secret", "domains": ["shop"]},
    labels_used={"shop": 80},
    configuration={},
    environment={"torch": "2.14"},
    metrics={"validation": {"item": 0.5}},
    history=[],
    seconds=1.0,
)


def score(domain: str, part: str, accuracy: float) -> Evaluation:
    """A score of which the fields beyond those given do not matter here."""
    given: dict[str, Any] = {
        "model": "m",
        "id": "0" * 16,
        "data": "ours: [1]",
        "split": f"{domain}:{part}",
        "photographs": 200,
        "accuracy": accuracy,
        "ci95": (accuracy - 0.1, accuracy + 0.1),
        "macro_accuracy": accuracy / 2,
        "ece": 0.08,
        "calibration": {"ece_after": 0.04},
    }
    others = {field.name for field in dataclasses.fields(Evaluation)} - given.keys()
    return Evaluation(**given, **dict.fromkeys(others))


def exported(scores: list[Evaluation] | None, card: Card = CARD, parent: Entry | None = None) -> ExportResult:
    card = dataclasses.replace(card, parents=(parent.as_parent("start"),) if parent else ())
    content = (4).to_bytes(8, "little") + b"{}  "
    entry = Registry().publish(card, {"model.safetensors": content}, suggested="m")
    return ExportResult(
        entry=entry,
        format="safetensors",
        path=Path("my model.safetensors"),
        seconds=1.0,
        graph=None,
        ancestors=list_ancestors(Registry(), entry),
        card=Path("m.md"),
        scores=scores,
    )


def head(card: str) -> dict[str, Any]:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    found: dict[str, Any] = yaml.safe_load(card.split("\n---\n")[0])
    return found


def test_the_head_is_what_hugging_face_reads() -> None:
    found = head(write_card(exported([score("shop", "test", 0.75), score("phone:2", "all", 0.5)])))
    assert found["license"] == "unknown"
    assert found["library_name"] == "office31-cli"
    assert found["pipeline_tag"] == "image-classification"
    assert found["datasets"] == ["ours: [1]"]
    assert set(found["tags"]) == {"office31", "resnet18", "pretrain"}
    (model,) = found["model-index"]
    first, second = model["results"]
    assert first["task"] == {"type": "image-classification"}
    assert (first["dataset"]["config"], first["dataset"]["split"]) == ("shop", "test")
    assert (second["dataset"]["config"], second["dataset"]["split"]) == ("phone:2", "all")
    values = {metric["type"]: metric["value"] for metric in first["metrics"]}
    assert values == {"accuracy": 0.75, "macro_accuracy": 0.375, "ece": 0.04}
    assert "65.0 % to 85.0 %" in first["metrics"][0]["name"]


def test_the_scores_say_which_labels_were_seen_and_how_sure_they_are() -> None:
    card = write_card(exported([score("shop", "test", 0.75), score("phone", "all", 0.5)]))
    assert "shop 80" in card
    assert "| shop:test | 200 | 75.0 % | 65.0 % to 85.0 % | 37.5 % | 4.0 % |" in card
    assert "| phone:all | 200 | 50.0 % | 40.0 % to 60.0 % | 25.0 % | 4.0 % |" in card


def test_without_scores_it_says_what_was_recorded_and_claims_no_more() -> None:
    card = write_card(exported(None))
    assert "not at hand" in card
    assert "50.0 %" in card
    assert "model-index" not in head(card)
    assert "not known" in write_card(exported(None, dataclasses.replace(CARD, command="import", labels_used={})))


def test_an_adapted_model_says_that_it_has_seen_the_targets_photographs() -> None:
    start = exported(None).entry
    card = dataclasses.replace(CARD, command="adapt", configuration={"target": "phone_2"})
    adapted = write_card(exported([score("phone_2", "all", 0.5)], card, start))
    assert r"photographs of phone\_2, too, without their labels" in adapted
    assert start.id in adapted
    assert start.id not in write_card(exported(None))


def test_names_are_inert_in_markdown() -> None:
    card = write_card(exported([score("shop", "test", 0.75)]))
    body = card.split("\n---\n")[1]
    assert "<script>" not in body
    assert not re.search(r"(?<!\\)[]\[]", body)  # no link, as no bracket stands for itself
    assert "http://" not in body
    assert "www.evil" not in body
    assert "\u202e" not in card
    (line,) = (line for line in body.split("\n") if "alert" in line)
    assert r"a\|b" in line
    assert r"\`c\`\n# d" in line.replace("\\\\n", r"\n")


def test_nothing_says_where_the_data_lay() -> None:
    assert "secret" not in write_card(exported([score("shop", "test", 0.75)]))
