"""Fine-tuning through the real command: which labels it learns from, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.real_command import LONG_NAME, Command, assert_error

Owned = tuple[Command, dict[str, Any]]

TARGET = ("finetune", "--target", "phone", "--model", LONG_NAME, "--epochs", "2")
STRATEGIES = ("bss", "co-tuning", "delta", "full", "l2-sp", "linear", "lp-ft", "mcc", "mme")


def card_of(command: Command, model: dict[str, Any]) -> dict[str, Any]:
    path = command.home / "registry" / "models" / model["id"] / "card.json"
    card: dict[str, Any] = json.loads(path.read_text())
    return card


def write_list(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines))
    return path


def test_strategies_are_listed_with_what_can_be_set(run: Command) -> None:
    listed = {row["strategy"]: row for row in run.json("strategies")["strategies"]}
    assert tuple(listed) == STRATEGIES
    assert [name for name, row in listed.items() if row["unlabelled"]] == ["mcc", "mme"]
    assert {each["name"]: each["default"] for each in listed["l2-sp"]["hyperparameters"]} == {
        "alpha": 0.01,
        "beta": 0.01,
    }
    code, out, _ = run("strategies", env={"COLUMNS": "40"})
    assert code == 0
    assert all(name in out for name in STRATEGIES)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_stores_a_model_that_can_be_scored(owned: Owned, strategy: str) -> None:
    command, _ = owned
    made = command.json(*TARGET, "--labels", "3", "--strategy", strategy)
    assert (made["strategy"], made["labels"], made["labels_used"]["phone"]) == (strategy, 3, 9)
    scored = command.json("evaluate", "--split", "phone", "--model", made["id"])
    assert (scored["seen"], scored["photographs"]) == (0, 21)


def test_the_source_is_learnt_from_again_where_asked(owned: Owned) -> None:
    command, parent = owned
    assert parent["labels_used"] == {"shop": 24}
    made = command.json(*TARGET, "--labels", "2", "--with-source")
    assert (made["domains"], made["source"]) == (["phone", "shop"], "shop")
    assert made["labels_used"] == {"phone": 6, "shop": 30}
    assert made["photographs"] == 36


def test_settings_and_refinements_stand_in_the_card(owned: Owned) -> None:
    command, _ = owned
    refined = ("--label-smoothing", "0.1", "--layer-decay", "0.9", "--gradual-unfreezing", "--ema", "0.9")
    made = command.json(*TARGET, "--strategy", "l2-sp", "--set", "alpha=0.1", *refined, "--patience", "1")
    configuration = card_of(command, made)["configuration"]
    assert configuration["settings"] == {"alpha": 0.1, "beta": 0.01}
    told = {name: configuration[name] for name in ("label_smoothing", "layer_decay", "gradual_unfreezing", "ema")}
    assert told == {"label_smoothing": 0.1, "layer_decay": 0.9, "gradual_unfreezing": True, "ema": 0.9}
    assert (configuration["patience"], configuration["weight_decay"]) == (1, 0.0)


def test_labels_to_stop_by_count_as_seen_and_are_not_learnt_from(owned: Owned) -> None:
    command, _ = owned
    made = command.json(*TARGET, "--labels", "5", "--patience", "1")
    assert made["validated"] == 3
    assert made["photographs"] == 12
    assert made["labels_used"]["phone"] == 15
    assert made["epochs"] <= 2
    assert_error(command(*TARGET, "--labels", "1", "--patience", "1"), 2, "--patience", "--labels 2 or more")


def test_a_list_says_which_labels_to_learn_from(owned: Owned, own_folder: Path, tmp_path: Path) -> None:
    command, _ = owned
    pictures = (
        sorted((own_folder / "phone" / "mug").iterdir())[:2] + sorted((own_folder / "phone" / "vélo").iterdir())[:1]
    )
    forms = [
        str(pictures[0]),
        f"mug/{pictures[1].name}",
        f"phone/vélo/{pictures[2].name}",
        "",
        f"mug/{pictures[1].name}",
    ]
    chosen = ("--held-out", "0", "--labels-from", write_list(tmp_path / "list.txt", forms))
    made = command.json(*TARGET, *chosen)
    assert (made["labels"], made["photographs"], made["labels_used"]["phone"]) == ("listed", 3, 3)


def test_a_list_that_names_what_is_held_out_is_refused(owned: Owned, own_folder: Path, tmp_path: Path) -> None:
    command, _ = owned
    every = [str(path) for path in sorted((own_folder / "phone").glob("*/*"))]
    refused = command(*TARGET, "--labels-from", write_list(tmp_path / "all.txt", every))
    assert_error(refused, 2, "--labels-from", "held out", "6 photographs in all", "--held-out 0")


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["mug/nowhere.jpg"], "line 1: mug/nowhere.jpg is no photograph of phone"),
        (["../shop/mug/x.jpg"], "is no photograph of phone"),
        (["", "  "], "it names no photograph"),
    ],
)
def test_a_list_that_names_nothing_of_the_target_is_refused(
    owned: Owned, lines: list[str], told: str, tmp_path: Path
) -> None:
    command, _ = owned
    assert_error(command(*TARGET, "--labels-from", write_list(tmp_path / "list.txt", lines)), 2, told)


def test_more_labels_than_an_item_has_are_told_and_the_training_goes_on(owned: Owned) -> None:
    command, _ = owned
    code, out, err = command(*TARGET, "--labels", "20", "--json")
    assert code == 0
    assert "fewer than 20 labels: " in err
    assert "mug (8)" in err
    made = json.loads(out)
    assert made["labels_used"]["phone"] == 24
    fewer = {"[red] pen": 8, "mug": 8, "vélo": 8}
    assert made["fewer"] == card_of(command, made)["metrics"]["fewer"] == fewer


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--strategy", "liner"), "did you mean linear?"),
        (("--strategy", "full", "--set", "alpha=1"), "full has no such setting"),
        (("--strategy", "l2-sp", "--set", "alpha=7"), "use 0.0001 to 1"),
        (("--labels", "0"), "use 1 or more, or all"),
        (("--labels", "2", "--labels-from", "x.txt"), "leave one of them out"),
        (("--label-smoothing", "1"), "not a share"),
        (("--layer-decay", "0"), "not a share"),
        (("--ema", "nan"), "not a share"),
    ],
)
def test_wrong_words_are_told_in_one_line(owned: Owned, words: tuple[str, ...], told: str) -> None:
    command, _ = owned
    assert_error(command(*TARGET, *words), 2, told)


def test_strategies_for_items_alone_say_so(drawn: Command) -> None:
    made = drawn.json("pretrain", "--domain", "amazon", "--outputs", "item+domain", "--epochs", "1")
    refused = drawn("finetune", "--target", "dslr", "--model", made["id"], "--strategy", "mme")
    assert_error(refused, 2, "--strategy mme", "add --outputs item")


def test_what_labels_buy_is_compared(drawn: Command, pretrained: dict[str, Any], tmp_path: Path) -> None:
    words = ("compare", "labels", "--target", "dslr", "--model", pretrained["model"], "--labels", "0,1,all")
    quick = ("--strategies", "linear,full", "--seeds", "0,1", "--epochs", "1", "--train", "head", "--method", "erm")
    code, out, err = drawn(*words, *quick, "--json", "--png", tmp_path / "plot.png")
    assert code == 0
    found = json.loads(out)
    warning, *told = err.splitlines()
    assert warning.startswith("warning: no row of the target alone: the backbone of ")
    budgets = ["as stored, no labels", "adapt erm, no labels", "linear, 1 label an item", "full, 1 label an item"]
    budgets += ["linear, all labels", "full, all labels"]
    means = [f"{100 * row['mean']:.1f} % of the rest" for row in found["rows"]]
    lines = zip(range(1, 7), budgets, means, strict=True)
    assert told == [f"{number} of 6: {budget}: {mean}" for number, budget, mean in lines]
    rows = {(row["labels"], row["strategy"]): row for row in found["rows"]}
    finetuned = [(labels, name) for labels in (1, "all") for name in ("linear", "full")]
    assert list(rows) == [(0, "as stored"), (0, "adapt erm"), *finetuned]
    for row in rows.values():
        assert len(row["runs"]) == 2
        assert row["mean"] == pytest.approx(sum(row["runs"]) / 2)
        assert 0 <= row["held_out"]["mean"] <= 1
    assert rows[1, "full"]["photographs"] == 31
    assert rows["all", "full"]["photographs"] == 248
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    firsts = [
        row
        for row in found["rows"]
        if row["labels"] and all(_beats(later, rows[0, "adapt erm"]) for later in _onward(row, found))
    ]
    best = min(firsts, key=lambda row: (row["photographs"], -row["held_out"]["mean"]), default=None)
    assert found["overtakes"] == (best and {"labels": best["labels"], "strategy": best["strategy"]})


def _onward(row: dict[str, Any], found: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of the same strategy with as many labels, or more."""
    rows: list[dict[str, Any]] = found["rows"]
    return [each for each in rows if each["strategy"] == row["strategy"] and each["photographs"] >= row["photographs"]]


def _beats(row: dict[str, Any], other: dict[str, Any]) -> bool:
    better: bool = row["held_out"]["mean"] > other["held_out"]["mean"]
    return better
