"""Several outputs at once, from a folder's labels.csv to scores, through the real command."""

import csv
import json
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from office31_cli import Options, evaluate, finetune
from office31_cli.data.data_set import DataSet
from office31_cli.data.folder import open_folder
from office31_cli.data.splits import choose_held_out
from office31_cli.registry import Registry
from tests.helpers.real_command import Command, Done
from tests.helpers.small_data import Listener
from tests.helpers.small_training import interrupt, trained

MIXED = "item+0.5*domain+colour+grams+boxed"
KINDS = {"item": "choice", "domain": "choice", "colour": "choice", "grams": "number", "boxed": "yes/no"}
FIGURES = {
    "choice": {"kind", "accuracy", "macro_accuracy", "ece"},
    "yes/no": {"kind", "accuracy", "recall_yes", "recall_no"},
    "number": {"kind", "mae", "rmse", "r2"},
}
QUICK = ("--backbone", "convnet", "--epochs", "2", "--batch-size", "8")
HEADER = ("file", "colour", "grams", "boxed")
COLOURS = {"[red] pen": "red", "mug": "blue", "vélo": "green"}

Row = tuple[str, ...]


def rows_of(data: DataSet) -> list[Row]:
    """Every photograph's colour, which follows from its item, weight, and every second one's box."""
    return [
        (f"{domain}/{file}", COLOURS[item], str(100 * place + 10 * number), "yes" if number % 2 else "no")
        for domain, listing in data.listings.items()
        for place, item in enumerate(listing.items)
        for number, file in enumerate(
            file for file, label in zip(listing.files, listing.labels, strict=True) if label == item
        )
    ]


def state(folder: Path, rows: Iterable[Row], header: Row = HEADER) -> None:
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def copied(folder: Path, where: Path) -> Path:
    """The pictures alone, as a folder of the same name."""
    return Path(shutil.copytree(folder, where / folder.name, ignore=shutil.ignore_patterns("labels.csv")))


@pytest.fixture(scope="module")
def labelled(own_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's own pictures with labels of their own."""
    folder = copied(own_folder, tmp_path_factory.mktemp("labelled"))
    state(folder, rows_of(open_folder(folder)))
    return folder


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """The command with a home that these tests share."""
    return Command(tmp_path_factory.mktemp("office"))


@pytest.fixture(scope="module")
def mixed(office: Command, labelled: Path) -> dict[str, Any]:
    """A model of both domains that answers five columns."""
    words = ("pretrain", "--domain", "all", "--data", labelled, "--outputs", MIXED, "--name", "mixed", *QUICK)
    code, out, err = office(*words, "--json")
    assert (code, err) == (0, "")
    result: dict[str, Any] = json.loads(out)
    return result


def assert_scored(outputs: dict[str, dict[str, Any]], kinds: dict[str, str]) -> None:
    """Each column by the figures of its kind, which lie where they can."""
    assert {name: figures["kind"] for name, figures in outputs.items()} == kinds
    for figures in outputs.values():
        assert set(figures) == FIGURES[figures["kind"]]
        if figures["kind"] == "number":
            assert 0 <= figures["mae"] <= figures["rmse"]
            assert figures["r2"] <= 1
        else:
            assert all(0 <= value <= 1 for name, value in figures.items() if name != "kind")


def test_pretrain_says_what_is_answered_and_how_well(mixed: dict[str, Any]) -> None:
    assert (mixed["outputs"], mixed["kinds"]) == (MIXED, KINDS)
    assert mixed["validation"].keys() == KINDS.keys()
    assert (mixed["photographs"], mixed["held_out"]) == (48, 12)


def test_evaluate_scores_each_output_by_its_kind(office: Command, mixed: dict[str, Any]) -> None:
    scores = [office.json("evaluate", "--split", split, "--model", "mixed") for split in ("shop", "phone")]
    for scored in scores:
        assert scored["split"].endswith(":test")
        assert_scored(scored["outputs"], KINDS)
        assert scored["accuracy"] == scored["outputs"]["item"]["accuracy"]
        assert scored["macro_accuracy"] == scored["outputs"]["item"]["macro_accuracy"]
        assert scored["ece"] == scored["outputs"]["item"]["ece"]
    for name in ("item", "domain", "colour", "boxed"):
        right = sum(scored["photographs"] * scored["outputs"][name]["accuracy"] for scored in scores)
        assert right / mixed["held_out"] == pytest.approx(mixed["validation"][name])


def test_what_is_scored_is_told_in_a_table_too(office: Command, mixed: dict[str, Any]) -> None:
    code, out, err = office("evaluate", "--split", "shop:all", "--model", mixed["id"])
    assert (code, err) == (0, "")
    for name, kind in KINDS.items():
        assert any(name in line and kind in line for line in out.splitlines())
    for figure in ("mae", "rmse", "r2", "recall yes", "recall no"):
        assert figure in out


@pytest.mark.fault(77)
def test_a_share_of_none_is_null(office: Command, mixed: dict[str, Any], labelled: Path, tmp_path: Path) -> None:
    """No box anywhere, and one weight only."""
    folder = copied(labelled, tmp_path)
    state(folder, [(file, colour, "0.1", "no") for file, colour, *_ in rows_of(open_folder(folder))])
    scored = office.json("evaluate", "--split", "shop:all", "--data", folder, "--model", mixed["id"])
    assert scored["outputs"]["boxed"]["recall_yes"] is None
    assert scored["outputs"]["boxed"]["recall_no"] == scored["outputs"]["boxed"]["accuracy"]
    assert scored["outputs"]["grams"]["r2"] is None
    assert scored["outputs"]["grams"]["mae"] >= 0


def test_show_tells_the_outputs(office: Command, mixed: dict[str, Any]) -> None:
    told = (
        "item (choice of 3) + domain (choice of 2, weight 0.5) + colour (choice of 3) + grams (number) + boxed (yes/no)"
    )
    assert told in office("models", "show", mixed["id"]).out
    card = office.json("models", "show", "mixed")["card"]
    assert card["configuration"]["outputs"] == MIXED
    assert card["metrics"]["validation"] == mixed["validation"]
    assert {name for epoch in card["history"] for name in epoch} >= KINDS.keys()


@pytest.fixture(scope="module")
def tuned(office: Command, mixed: dict[str, Any]) -> dict[str, Any]:
    words = ("finetune", "--target", "phone", "--model", mixed["id"], "--labels", "2", "--epochs", "1")
    result: dict[str, Any] = office.json(*words, "--batch-size", "8", "--name", "tuned")
    return result


def test_finetune_keeps_the_outputs(office: Command, mixed: dict[str, Any], tuned: dict[str, Any]) -> None:
    assert (tuned["outputs"], tuned["kinds"], tuned["parent"]) == (MIXED, KINDS, mixed["id"])
    assert_scored(office.json("evaluate", "--split", "shop", "--model", "tuned")["outputs"], KINDS)
    scales = [
        [output for network in office.json("models", "show", name)["card"]["network"]["outputs"] for output in network]
        for name in ("mixed", "tuned")
    ]
    assert scales[0] == scales[1]  # the number's scale too, though other photographs were learnt from


@pytest.mark.parametrize(
    ("outputs", "told", "columns"),
    [
        ("separate", "item (choice of 3) / domain (choice of 2)", {"item", "domain"}),
        ("pair", "pair (pair of 6)", {"domain", "item"}),
    ],
)
def test_finetune_answers_what_is_asked_for(
    office: Command, mixed: dict[str, Any], outputs: str, told: str, columns: set[str]
) -> None:
    words = ("finetune", "--target", "phone", "--model", mixed["id"], "--outputs", outputs)
    result = office.json(*words, "--epochs", "1", "--batch-size", "8")
    assert (result["outputs"], set(result["validation"])) == (outputs, columns)
    scored = office.json("evaluate", "--split", "phone", "--model", result["id"])
    assert_scored(scored["outputs"], {name: KINDS[name] for name in columns})
    assert scored["accuracy"] == pytest.approx(result["validation"]["item"])
    assert told in office("models", "show", result["id"]).out


@pytest.mark.parametrize("strategy", ["full", "linear"])
@pytest.mark.parametrize("train", ["head", "last", "all"])
def test_separate_networks_go_on_however_much_is_trained(labelled: Path, train: str, strategy: str) -> None:
    options = Options(epochs=1, batch_size=8, train=train)
    first = trained(labelled, options=replace(options, outputs="item/colour+grams"))
    again = finetune("phone", model=first.id, strategy=strategy, options=options)
    assert again.outputs == "item/colour+grams"
    scored = evaluate("phone", model=again.id)
    assert_scored(scored.outputs, {"item": "choice", "colour": "choice", "grams": "number"})
    assert scored.accuracy == pytest.approx(again.validation["item"])


@pytest.mark.parametrize("outputs", ["item+grams", "item/colour+grams"])
def test_an_interrupted_training_goes_on_to_the_same_weights(
    labelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outputs: str
) -> None:
    options = Options(epochs=2, batch_size=8, outputs=outputs)
    whole = Registry().find(trained(labelled, options=options).id).file_path().read_bytes()
    monkeypatch.setenv("OFFICE31_HOME", str(tmp_path / "another home"))
    interrupt(monkeypatch, labelled, options, after=1)
    listener = Listener()
    again = trained(labelled, options=options, observer=listener)
    assert listener.said == ["resuming after epoch 1 of 2"]
    assert Registry().find(again.id).file_path().read_bytes() == whole


def test_an_imported_model_gives_the_same_scores(
    office: Command, mixed: dict[str, Any], labelled: Path, run: Command, tmp_path: Path
) -> None:
    bundle = tmp_path / "mixed.safetensors"
    office.json("models", "export", mixed["id"], bundle)
    brought = run.json("models", "import", bundle, "--name", "mixed")
    assert brought["id"] == mixed["id"]
    words = ("evaluate", "--split", "phone", "--model", "mixed", "--data", labelled)
    assert run.json(*words) == office.json(*words)


# ---- what is missing

WORDS = ("pretrain", "--domain", "shop", *QUICK, "--epochs", "1")


def test_a_value_matters_only_where_the_photograph_is_learnt_from(run: Command, labelled: Path, tmp_path: Path) -> None:
    """Those that are held out may state nothing: what is not known is not scored."""
    folder = copied(labelled, tmp_path)
    shop = open_folder(folder).photographs("shop")
    kept_back = {f"shop/{shop.files[place]}" for place in np.flatnonzero(choose_held_out(shop.items, shop.digests))}
    assert kept_back
    rows = rows_of(open_folder(folder))
    state(folder, [(file, "" if file in kept_back else colour, *more) for file, colour, *more in rows])
    code, out, err = run(*WORDS, "--data", folder, "--outputs", "item+colour", "--json")
    assert code == 0, err
    result = json.loads(out)
    assert result["validation"]["item"] is not None
    assert result["validation"]["colour"] is None
    assert err == f"warning: output colour is not scored: no value for any of {len(kept_back)} photographs\n"


def test_a_photograph_of_another_domain_may_state_nothing(run: Command, labelled: Path, tmp_path: Path) -> None:
    folder = copied(labelled, tmp_path)
    state(folder, [row for row in rows_of(open_folder(folder)) if row[0].startswith("shop/")])
    stored = run.json(*WORDS, "--data", folder, "--outputs", "item+colour")
    code, out, err = run("evaluate", "--split", "phone", "--model", stored["id"], "--json")
    assert code == 0
    assert json.loads(out)["outputs"].keys() == {"item"}
    (line,) = err.splitlines()
    assert line.startswith("warning: output colour is not scored: ")


@pytest.mark.parametrize("outputs", [MIXED, "item"])
def test_what_a_data_set_does_not_tell_is_not_scored(
    office: Command, mixed: dict[str, Any], labelled: Path, tmp_path: Path, outputs: str
) -> None:
    """A folder without labels.csv, and one whose column is of another kind now."""
    folder = copied(labelled, tmp_path)
    if outputs == "item":
        rows = [
            (file, "1.5" if colour == "red" else "2", *more) for file, colour, *more in rows_of(open_folder(folder))
        ]
        state(folder, rows)
        missing = ["colour"]
    else:
        missing = ["boxed", "colour", "grams"]
    code, out, err = office("evaluate", "--split", "phone:all", "--data", folder, "--model", mixed["id"], "--json")
    assert code == 0, err
    assert_scored(json.loads(out)["outputs"], {name: kind for name, kind in KINDS.items() if name not in missing})
    warned = sorted(err.splitlines())
    assert [line.partition(" is not scored: ")[0] for line in warned] == [f"warning: output {name}" for name in missing]


@pytest.fixture
def here(office: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is called in this process has the home that `office` has."""
    monkeypatch.setenv("OFFICE31_HOME", str(office.home))


@pytest.mark.usefixtures("here")
def test_a_label_that_the_model_does_not_know_is_not_scored(
    mixed: dict[str, Any], labelled: Path, tmp_path: Path
) -> None:
    folder = copied(labelled, tmp_path)
    rows = rows_of(open_folder(folder))
    state(folder, [(file, "purple" if colour == "red" else colour, *more) for file, colour, *more in rows])
    listener = Listener()
    scored = evaluate("phone:all", model=mixed["id"], data=str(folder), observer=listener)
    assert "colour" not in scored.outputs
    assert listener.warned == ["output colour is not scored: the model does not know 'purple'"]


@pytest.mark.usefixtures("here")
def test_what_is_stated_of_some_is_scored_on_those(mixed: dict[str, Any], labelled: Path, tmp_path: Path) -> None:
    """So two parts that are stated one at a time are together scored as the whole is."""
    rows, columns = rows_of(open_folder(labelled)), ("colour", "grams", "boxed")
    scored = {}
    for part, count in (("first", 12), ("second", 18)):
        folder = copied(labelled, tmp_path / part)
        stated = [(place % 5 < 2) == (part == "first") for place in range(len(rows))]
        state(folder, [row if told else (row[0], "", "", "") for row, told in zip(rows, stated, strict=True)])
        listener = Listener()
        scored[count] = evaluate("phone:all", model=mixed["id"], data=str(folder), observer=listener).outputs
        assert listener.warned == [f"output {name} is scored on {count} of 30 photographs" for name in columns]
    whole = evaluate("phone:all", model=mixed["id"], data=str(labelled)).outputs
    for name, figure in (("colour", "accuracy"), ("grams", "mae"), ("boxed", "accuracy")):
        together = sum(count * outputs[name][figure] for count, outputs in scored.items()) / 30
        assert together == pytest.approx(whole[name][figure])


@pytest.mark.usefixtures("here")
def test_labels_are_matched_by_name_and_not_by_number(mixed: dict[str, Any], labelled: Path, tmp_path: Path) -> None:
    """Where a label more is stated somewhere, all those after it have other numbers."""
    folder = copied(labelled, tmp_path)
    rows = rows_of(open_folder(folder))
    state(folder, [(file, "aqua" if file.startswith("shop/") else colour, *more) for file, colour, *more in rows])
    scored, as_before = (evaluate("phone:all", model=mixed["id"], data=str(data)) for data in (folder, labelled))
    assert scored.outputs == as_before.outputs


def test_an_output_that_has_nothing_to_learn_is_warned_of_and_has_no_score(
    run: Command, labelled: Path, tmp_path: Path
) -> None:
    folder = copied(labelled, tmp_path)
    state(folder, [(file, colour, "250", boxed) for file, colour, _, boxed in rows_of(open_folder(folder))])
    code, out, err = run(*WORDS, "--data", folder, "--outputs", "item+domain+grams", "--json")
    assert code == 0
    assert [line.partition(": all ")[0] for line in err.splitlines()] == [
        "warning: output domain",
        "warning: output grams",
    ]
    stored = json.loads(out)
    assert stored["validation"]["grams"] is None  # all of the variance, or none, of what does not vary
    code, out, _ = run("models", "show", stored["id"], "--json")
    assert (code, json.loads(out)["card"]["metrics"]["validation"]["grams"]) == (0, None)
    assert "NaN" not in out
    for words in (("models", "show", stored["id"]), ("evaluate", "--split", "phone")):
        code, out, _ = run(*words)
        assert code == 0
        assert "nan" not in out


# ---- what is wrong


def assert_error(done: Done, code: int, *holds: str) -> None:
    """One line on stderr, `error: what: why; what to do`, which holds all that is given."""
    assert (done.code, done.out) == (code, ""), done.err
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert "; " in done.err
    assert "unexpected" not in done.err
    for text in holds:
        assert text in done.err


NO_TORCH = "import atexit, sys\natexit.register(lambda: 'torch' in sys.modules and print('torch was imported'))"
"""What is decided before anything is computed need not wait for it; what this prints makes stdout not empty."""


def with_nonsense(folder: Path) -> None:
    rows = rows_of(open_folder(folder))
    state(
        folder, [*rows[:3], (rows[3][0], "red", "heavy", "no"), *rows[4:]], ("file", "colour", "grams:number", "boxed")
    )


def without_kind(folder: Path) -> None:
    state(folder, rows_of(open_folder(folder)), ("file", "colour:chioce", "grams", "boxed"))


def with_a_row_twice(folder: Path) -> None:
    rows = rows_of(open_folder(folder))
    state(folder, [*rows, rows[0]])


def as_a_queue(folder: Path) -> None:
    os.mkfifo(folder / "labels.csv")


@pytest.mark.parametrize(
    ("spoil", "holds"),
    [
        (with_nonsense, ("labels.csv: column grams, row 5: 'heavy'",)),
        (without_kind, ("labels.csv: column colour, row 1", "did you mean choice?")),
        (with_a_row_twice, ("labels.csv: column file, row 62", "row 2")),
        (as_a_queue, ("labels.csv", "no regular file")),
    ],
)
def test_a_malformed_file_is_named_with_column_and_row_at_once(
    run: Command, labelled: Path, tmp_path: Path, spoil: Callable[[Path], None], holds: tuple[str, ...]
) -> None:
    folder = copied(labelled, tmp_path)
    spoil(folder)
    for word in ("item+colour", "item+nonsense"):
        assert_error(run(*WORDS, "--data", folder, "--outputs", word, prelude=NO_TORCH, process="light"), 2, *holds)


def test_a_file_that_states_nothing_of_use_is_no_hindrance(run: Command, labelled: Path, tmp_path: Path) -> None:
    folder = copied(labelled, tmp_path)
    with_nonsense(folder)
    assert run.json(*WORDS, "--data", folder)["outputs"] == "item"


@pytest.mark.parametrize(
    ("outputs", "holds"),
    [
        ("item+color", "did you mean colour?"),
        ("item+gram", "did you mean grams?"),
        ("item+web", "known: "),
        ("colour", "add item"),
        ("item+colour/colour", "colour is asked for twice"),
        ("", "no name"),
        (" ", "no name"),
    ],
)
def test_outputs_that_do_not_exist_are_wrong_usage(run: Command, labelled: Path, outputs: str, holds: str) -> None:
    assert_error(run(*WORDS, "--data", labelled, "--outputs", outputs, prelude=NO_TORCH, process="light"), 2, holds)


def test_a_column_that_is_gone_is_wrong_usage(
    office: Command, mixed: dict[str, Any], labelled: Path, tmp_path: Path
) -> None:
    folder = copied(labelled, tmp_path)
    words = ("finetune", "--target", "phone", "--data", folder, "--model", mixed["id"])
    assert_error(office(*words, prelude=NO_TORCH, process="light"), 2, "output colour")
    assert_error(office(*words, "--outputs", "", prelude=NO_TORCH, process="light"), 2, "no name")
    rows = rows_of(open_folder(folder))
    state(folder, [(file, colour.replace("red", "rosé"), *more) for file, colour, *more in rows])
    assert_error(office(*words, prelude=NO_TORCH, process="light"), 2, "colour knows other labels")
    assert office(*words, "--outputs", "item", "--epochs", "1").code == 0


def test_photographs_that_are_learnt_from_without_a_value_are_named(
    run: Command, labelled: Path, tmp_path: Path
) -> None:
    folder = copied(labelled, tmp_path)
    state(folder, rows_of(open_folder(folder))[:3])
    done = run(*WORDS, "--data", folder, "--outputs", "item+colour")
    assert_error(done, 2, "labels.csv: column colour", "photographs of shop", "shop/")
    assert run.json("models", "list")["models"] == []


def test_numbers_too_large_to_be_scaled_are_no_fault_of_the_program(
    run: Command, labelled: Path, tmp_path: Path
) -> None:
    folder = copied(labelled, tmp_path)
    rows = rows_of(open_folder(folder))
    state(
        folder,
        [
            (file, colour, "1e308" if place % 2 else "-1e308", boxed)
            for place, (file, colour, _, boxed) in enumerate(rows)
        ],
    )
    done = run(*WORDS, "--data", folder, "--outputs", "item+grams")
    assert done.code in (1, 2)
    assert_error(done, done.code, "grams")
