"""What the command says of scores, labels, models and files is so, and nothing is lost or thrown away unasked."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from office31_cli import Options, evaluate, finetune, paths, storage
from office31_cli.errors import Refused
from office31_cli.registry import MODEL_FILE, Card, Entry, Registry
from office31_cli.results import TrainingResult
from office31_cli.workflow import seen_labels
from tests.helpers.real_command import Command, Done
from tests.helpers.small_data import lay_out
from tests.helpers.small_models import make_card, safetensors_bytes
from tests.helpers.small_training import ITEMS, PICTURES, QUICK, interrupt, make_things, rename_copy, trained

TRAINING = len(ITEMS) * PICTURES * 4 // 5
THREE = Options(epochs=3, batch_size=8)

# What a test prepares in this process and what it then runs have the same home.


def assert_error(done: Done, code: int, *holds: str) -> None:
    """One line, `error: what: why; what to do`, and no fault of ours."""
    assert (done.code, done.out) == (code, ""), done.err
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert "; " in done.err
    assert "unexpected" not in done.err
    for text in holds:
        assert text in done.err


@pytest.fixture
def things(tmp_path: Path) -> Path:
    return make_things(tmp_path / "things", "shop", "phone")


def as_words(data: Path, *more: str) -> tuple[str, ...]:
    """The command line that does what `trained` does with `THREE`."""
    words = ("--domain", "shop", "--data", str(data), "--backbone", "convnet")
    return ("pretrain", *words, "--epochs", "3", "--batch-size", "8", *more)


@pytest.mark.fault(73)
def test_a_score_on_photographs_that_were_learnt_from_says_so(run: Command, things: Path) -> None:
    tuned = finetune("phone", model=trained(things).id, data=str(things), options=QUICK)
    rename_copy(things, "phone", "camera")
    honest = run.json("evaluate", "--split", "camera", "--model", tuned.id)
    assert (honest["split"], honest["photographs"], honest["seen"]) == ("camera:test", 6, 0)
    assert honest["labels_used"]["camera"] == TRAINING
    code, out, _ = run("evaluate", "--split", "camera:all", "--model", tuned.id)
    assert code == 0
    (warning,) = (line for line in out.splitlines() if f"{TRAINING} of" in line)
    assert "was trained on" in warning


@pytest.mark.fault(50)
def test_one_run_is_done_by_one_process_and_goes_on_without_being_asked(
    run: Command, things: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(monkeypatch, things, THREE, after=1)
    (folder,) = (path for path in paths.runs().iterdir() if path.is_dir())
    with storage.hold_lock(folder.with_suffix(".lock")):
        assert_error(run(*as_words(things)), 1, f"process {os.getpid()}")
    assert Registry().entries() == []

    code, _, err = run(*as_words(things, "--json"))
    assert code == 0
    assert err == "resuming after epoch 1 of 3\n"
    (entry,) = Registry().entries()
    assert list(paths.runs().iterdir()) == []
    weights = entry.file_path().read_bytes()
    assert run.json(*as_words(things, "--resume"))["id"] == entry.id
    assert [stored.id for stored in Registry().entries()] == [entry.id]

    monkeypatch.setenv("OFFICE31_HOME", str(things.parent / "another home"))
    whole = trained(things, options=THREE)
    assert Registry().find(whole.id).file_path().read_bytes() == weights


@pytest.fixture
def of_two_data_sets(things: Path, tmp_path: Path) -> tuple[TrainingResult, TrainingResult]:
    """A model of shop and phone, and a newer one of desk and shelf."""
    others = lay_out(tmp_path / "others", "desk/cup", "desk/lamp", "shelf/cup", "shelf/lamp", pictures=6)
    return trained(things), trained(others, "desk")


def test_the_newest_model_whose_data_set_has_the_domain_is_taken(
    run: Command, of_two_data_sets: tuple[TrainingResult, TrainingResult]
) -> None:
    first, newer = of_two_data_sets
    assert run.json("evaluate", "--split", "phone")["id"] == first.id
    assert evaluate("shelf").id == newer.id


@pytest.mark.usefixtures("of_two_data_sets")
@pytest.mark.parametrize(("typed", "meant"), [("shlef", "shelf"), ("phoen", "phone")])
def test_a_near_match_is_found_in_any_data_set_that_a_model_knows(run: Command, typed: str, meant: str) -> None:
    assert_error(run("evaluate", "--split", typed), 2, typed, f"did you mean {meant}?")
    assert_error(run("finetune", "--target", typed), 2, typed, f"did you mean {meant}?")


def test_few_letters_are_no_id(run: Command) -> None:
    entry = Registry().publish(make_card(), {MODEL_FILE: safetensors_bytes(1.0)}, name="z", suggested="z")
    for length in (1, 2, 3):
        assert_error(run("models", "rm", entry.id[:length]), 2, "there is none")
    assert Registry().find("z").id == entry.id
    assert run("models", "rm", entry.id[:4]).code == 0
    assert Registry().entries() == []


def test_a_name_of_one_letter_is_a_name(run: Command) -> None:
    content = {MODEL_FILE: safetensors_bytes(1.0)}
    other = Registry().publish(make_card(), content, name="other", suggested="other")
    letter = other.id[0]
    named = Registry().publish(make_card("finetune"), content, name=letter, suggested=letter)
    assert run.json("models", "rm", letter)["id"] == named.id
    assert [entry.id for entry in Registry().entries()] == [other.id]


def test_a_folder_called_sample_is_anybodys_folder(run: Command, tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "sample", "shop/mug", "shop/pen", pictures=10)
    nowhere = {f"{scheme}_proxy": "http://127.0.0.1:1" for scheme in ("http", "https", "HTTP", "HTTPS")}
    nowhere |= {"no_proxy": "", "NO_PROXY": "", "TORCH_HOME": str(tmp_path / "torch")}
    done = run("pretrain", "--domain", "shop", "--data", folder, env=nowhere)
    assert_error(done, 1, "ResNet50_Weights.IMAGENET1K_V1")


def test_what_is_to_be_brought_must_be_there_even_where_it_is_not_needed(run: Command) -> None:
    as_if_empty = "from office31_cli.data import manifest, sets\nsets.load('office31').manifest = manifest.Manifest([])"
    (paths.data_sets() / "office31").mkdir(parents=True)
    assert run("download", prelude=as_if_empty).code == 0
    assert_error(run("download", "--from", "NOSUCHFILE", prelude=as_if_empty), 2, "NOSUCHFILE")


def test_a_sample_that_is_not_there_is_not_drawn_to_verify_it(run: Command) -> None:
    assert_error(run("download", "--sample", "--verify"), 1, "office31 download --sample")
    assert not (paths.data_sets() / "sample").exists()


def test_a_sample_that_is_there_is_verified(drawn: Command) -> None:
    assert drawn.json("download", "--sample", "--verify")["verified"] is True


def republished(entry: Entry, change: Callable[[Card], dict[str, Any]], *, files: tuple[str, ...]) -> str:
    """The name of another model with the same files, but for fields of its card."""
    content = {name: (entry.folder / name).read_bytes() for name in files}
    changed = replace(entry.card, **change(entry.card))
    return Registry().publish(changed, content, name="changed", suggested="changed").name


BOTH = (MODEL_FILE, seen_labels.FILE)


@pytest.mark.parametrize(
    ("change", "files"),
    [
        pytest.param(lambda card: {"data": {"name": "things"}}, BOTH, id="no location"),
        pytest.param(lambda card: {"data": card.data | {"location": 1}}, BOTH, id="a number as location"),
        pytest.param(lambda card: {"network": {}}, BOTH, id="no backbone"),
        pytest.param(lambda card: {}, (MODEL_FILE,), id="no record of labels"),
    ],
)
def test_a_card_that_does_not_say_enough_is_refused(
    run: Command, things: Path, change: Callable[[Card], dict[str, Any]], files: tuple[str, ...]
) -> None:
    sound = trained(things)
    name = republished(Registry().find(sound.id), change, files=files)
    assert_error(run("evaluate", "--split", "phone", "--model", name), 3, name)
    with pytest.raises(Refused):
        evaluate("phone", model=name, data=str(things))
    with pytest.raises(Refused):
        finetune("phone", model=name)
    assert evaluate("phone").id == sound.id  # the newest that can be used


def test_a_bundle_that_does_not_say_enough_can_be_brought_but_not_used(
    run: Command, things: Path, tmp_path: Path
) -> None:
    name = republished(Registry().find(trained(things).id), lambda card: {"data": {}}, files=BOTH)
    bundle = tmp_path / "changed.safetensors"
    run.json("models", "export", name, bundle)
    elsewhere = Command(tmp_path / "elsewhere")
    brought = elsewhere.json("models", "import", bundle)
    assert_error(elsewhere("evaluate", "--split", "phone", "--model", brought["id"]), 3)
    assert elsewhere("evaluate", "--split", "phone").err.count("\n") == 1
