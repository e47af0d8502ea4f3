"""What adapting learns from, goes on from, and says of itself, from Python."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from office31_cli import Options, adapt, evaluate, finetune, methods, paths, pretrain
from office31_cli.data.data_set import DataSet
from office31_cli.data.photographs import Photographs
from office31_cli.engine.checkpoints import Checkpoints
from office31_cli.errors import Failed, Misuse
from office31_cli.metrics import setting as setting_metric
from office31_cli.registry import Registry
from office31_cli.results import AdaptResult, TrainingResult
from office31_cli.workflow import target_estimate
from office31_cli.workflow.unknown_detector import load_detector
from tests.helpers.small_data import Listener
from tests.helpers.small_training import ITEMS, PICTURES, QUICK, make_things, trained

WHOLE = len(ITEMS) * PICTURES


@pytest.fixture
def things(tmp_path: Path) -> Path:
    return make_things(tmp_path / "things", "shop", "phone")


@pytest.fixture
def start(things: Path) -> TrainingResult:
    return trained(things)


def adapted(things: Path, target: str = "phone", *, method: str = "mcc", **more: Any) -> AdaptResult:
    """Two short epochs, or one pass; what is no argument of `adapt` is an option."""
    short = {} if methods.load(method).passes else {"epochs": 2}
    named = {"source", "settings", "validator", "views", "setting", "model", "observer"}
    chosen = short | {"batch_size": 8, "held_out": 0.0} | {k: v for k, v in more.items() if k not in named}
    arguments = {name: value for name, value in more.items() if name in named}
    return adapt(
        target, method=method, steps=3 if short else None, data=str(things), options=Options(**chosen), **arguments
    )


def weights(model: TrainingResult) -> bytes:
    return Registry().find(model.id).file_path().read_bytes()


@pytest.mark.usefixtures("start")
class TestLabelsOfTheTarget:
    @pytest.mark.parametrize("train", ["head", "all"])
    @pytest.mark.parametrize("method", ["mcc", "cdan", "mcd", "fixmatch", "shot", "auto"])
    def test_shuffled_they_change_no_weight(
        self, things: Path, monkeypatch: pytest.MonkeyPatch, method: str, train: str
    ) -> None:
        told = adapted(things, method=method, train=train)
        opened = DataSet.photographs

        def shuffled(data: DataSet, domain: str) -> Photographs:
            found = opened(data, domain)
            return dataclasses.replace(found, items=(found.items + 1) % 3) if domain == "phone" else found

        with monkeypatch.context() as patched:
            patched.setattr(DataSet, "photographs", shuffled)
            misled = adapted(things, method=method, train=train)
        assert misled.id != told.id
        assert weights(misled) == weights(told)
        assert misled.scores != told.scores
        assert misled.scores["selected"]["epoch"] == told.scores["selected"]["epoch"]

    @pytest.mark.parametrize("train", ["head", "all"])
    @pytest.mark.parametrize("setting", ["auto", "partial", "open", "universal"])
    @pytest.mark.parametrize("method", ["mcc", "auto", "ovanet", "dance"])
    def test_shuffled_they_change_nothing_that_is_decided_in_any_setting(
        self, things: Path, monkeypatch: pytest.MonkeyPatch, method: str, setting: str, train: str
    ) -> None:
        monkeypatch.setattr(target_estimate, "FEWEST_PHOTOGRAPHS", 2)
        monkeypatch.setattr(setting_metric, "FEWEST_PHOTOGRAPHS", 2)
        honest = adapted(things, method=method, train=train, setting=setting)
        opened = DataSet.photographs

        def shuffle(data: DataSet, domain: str) -> Photographs:
            found = opened(data, domain)
            return dataclasses.replace(found, items=(found.items + 1) % 3) if domain == "phone" else found

        with monkeypatch.context() as patched:
            patched.setattr(DataSet, "photographs", shuffle)
            misled = adapted(things, method=method, train=train, setting=setting)
        assert honest.evidence is not None
        assert (misled.setting, misled.evidence, misled.predicted) == (
            honest.setting,
            honest.evidence,
            honest.predicted,
        )
        assert setting in ("auto", honest.setting)
        assert weights(misled) == weights(honest)
        ours, theirs = (load_detector(Registry().find(each.id)) for each in (honest, misled))
        assert ours is not None
        assert theirs is not None
        assert ours.encode() == theirs.encode()
        assert misled.scores != honest.scores

    @pytest.mark.parametrize("method", ["auto", "mcc"])
    def test_decided_to_be_closed_the_weights_are_those_of_the_closed_setting(
        self, things: Path, monkeypatch: pytest.MonkeyPatch, method: str
    ) -> None:
        monkeypatch.setattr(target_estimate, "FEWEST_PHOTOGRAPHS", 2)
        monkeypatch.setattr(target_estimate, "decide_setting", lambda evidence: "closed")
        decided = adapted(things, method=method, setting="auto")
        assert decided.setting == "closed"
        assert decided.evidence is not None
        closed = adapted(things, method=method, setting="closed")
        assert closed.evidence is None
        assert weights(decided) == weights(closed)

    @pytest.mark.parametrize("train", ["head", "all"])
    @pytest.mark.parametrize("method", ["mcc", "fixmatch", "auto"])
    def test_moved_to_other_items_the_photographs_give_the_same_weights(
        self, things: Path, method: str, train: str
    ) -> None:
        told = adapted(things, method=method, train=train)
        pictures = sorted((things / "phone").glob("*/*"))
        for number, picture in enumerate(pictures):
            picture.rename(things / "phone" / picture.with_name(f"{len(pictures) - number:02}.tmp").name)
        for number, picture in enumerate(sorted((things / "phone").glob("*.tmp"))):
            picture.rename(things / "phone" / ITEMS[number % len(ITEMS)] / f"{number:02}.png")
        misled = adapted(things, method=method, train=train)
        assert weights(misled) == weights(told)
        assert misled.scores != told.scores

    @pytest.mark.parametrize("method", ["mcc", "shot"])
    def test_there_need_be_none(self, things: Path, method: str) -> None:
        (things / "heap").mkdir()
        pictures = sorted((things / "phone").glob("*/*"))
        for number, picture in enumerate(pictures[1::2] + pictures[::2]):
            shutil.copy(picture, things / "heap" / f"{number:02}.png")
        result = adapted(things, "heap", method=method)
        assert weights(result) == weights(adapted(things, method=method))
        assert result.labels_used["heap"] == 0
        assert (result.scores["last"], result.scores["oracle"]) == (None, None)
        picked = adapted(things, method=method).scores["selected"]
        assert result.scores["selected"] == picked | {"accuracy": None}


class TestScores:
    @pytest.mark.parametrize("method", methods.FOLDER.names())
    @pytest.mark.parametrize("train", ["head", "last"])
    def test_the_last_epochs_are_those_of_the_stored_network(
        self, things: Path, start: TrainingResult, method: str, train: str
    ) -> None:
        result = adapted(things, method=method, train=train)
        scored = evaluate("phone", model=result.id, data=str(things))
        assert (scored.split, scored.photographs, scored.seen) == ("phone:all", WHOLE, 0)
        assert scored.accuracy == result.scores["last"]
        assert result.scores["oracle"] >= max(result.scores["last"], result.scores["selected"]["accuracy"])
        assert 1 <= result.scores["selected"]["epoch"] <= result.epochs
        assert scored.labels_used == result.labels_used
        assert result.parent == start.id

    @pytest.mark.parametrize("validator", ["entropy", "im", "snd", "bnm", "source"])
    def test_a_validator_picks_the_epoch_that_it_likes_best(
        self, things: Path, start: TrainingResult, validator: str
    ) -> None:
        result = adapted(things, validator=validator, epochs=4, held_out=0.3)
        history = Registry().find(result.id).card.history
        picked = result.scores["selected"]
        assert picked["validator"] == validator
        assert picked["epoch"] - 1 == int(np.argmax([epoch[f"validator {validator}"] for epoch in history]))
        assert result.held_out > 0
        assert start.held_out == WHOLE // 5

    @pytest.mark.usefixtures("start")
    def test_a_loss_and_a_validator_of_one_name_are_kept_apart(self, things: Path) -> None:
        (epoch,) = Registry().find(adapted(things, method="tent").id).card.history
        assert epoch["entropy"] >= 0 >= epoch["validator entropy"]

    @pytest.mark.usefixtures("start")
    def test_one_pass_is_one_epoch(self, things: Path) -> None:
        for method in ("tent", "adabn"):
            result = adapted(things, method=method)
            assert (result.epochs, len(Registry().find(result.id).card.history)) == (1, 1)
            assert result.scores["selected"]["epoch"] == 1


class TestStart:
    def test_it_is_the_newest_that_was_not_adapted(self, things: Path, start: TrainingResult) -> None:
        first = adapted(things)
        assert (first.parent, first.model) == (start.id, f"{start.model}-phone-mcc")
        assert adapted(things, method="erm").parent == start.id
        assert adapted(things, model=first.id).parent == first.id
        assert adapted(things, resume=True).id == first.id

    def test_a_model_that_knows_the_target_is_taken_only_by_name_and_says_so(
        self, things: Path, start: TrainingResult
    ) -> None:
        tuned = finetune("phone", model=start.id, data=str(things), options=QUICK)
        assert adapted(things).parent == start.id
        told = Listener()
        result = adapted(things, model=tuned.id, observer=told)
        assert result.domains == ("shop",)
        assert result.labels_used == {"phone": tuned.photographs, "shop": WHOLE}
        assert [warning for warning in told.warned if f"{tuned.photographs} of its {WHOLE} photographs" in warning]

    def test_other_outputs_are_left_behind(self, things: Path) -> None:
        options = Options(epochs=1, batch_size=8, outputs="domain+item")
        both = pretrain(["shop", "phone"], data=str(things), backbone="convnet", options=options)
        make_things(things, "shop", "phone", "desk")
        for method in ("mcc", "shot"):
            told = Listener()
            result = adapted(things, "desk", model=both.id, method=method, observer=told)
            assert result.outputs == "item"
            assert f"adapt answers item alone: of {both.model}, it leaves domain behind" in told.said
            assert evaluate("desk", model=result.id, data=str(things)).accuracy == result.scores["last"]

    def test_without_the_source_there_must_be_an_item_head(self, things: Path) -> None:
        options = Options(epochs=1, batch_size=8, outputs="pair")
        pair = pretrain(["shop", "phone"], data=str(things), backbone="convnet", options=options)
        make_things(things, "shop", "phone", "desk")
        assert adapted(things, "desk", model=pair.id).outputs == "item"
        with pytest.raises(Misuse, match="without the source"):
            adapted(things, "desk", model=pair.id, method="shot")

    def test_several_sources(self, things: Path, start: TrainingResult) -> None:
        make_things(things, "shop", "phone", "desk")
        result = adapted(things, "desk", source=["phone", "shop", "phone"])
        assert (result.domains, result.source) == (("phone", "shop"), "phone+shop")
        assert result.labels_used == {"desk": 0, "phone": WHOLE, "shop": WHOLE}
        assert result.photographs == 2 * WHOLE
        assert start.labels_used == {"shop": WHOLE * 4 // 5}


class TestWithoutTheSource:
    @pytest.mark.usefixtures("start")
    def test_it_is_not_opened(self, things: Path) -> None:
        for picture in (things / "shop").glob("*/*"):
            picture.write_bytes(b"no picture")
        with pytest.raises(Failed, match="shop"):
            adapted(things)
        for method in ("shot", "tent", "adabn"):
            result = adapted(things, method=method)
            assert (result.source, result.domains, result.photographs, result.held_out) == (None, (), 0, 0)
            assert result.labels_used == {"phone": 0, "shop": WHOLE * 4 // 5}
            assert result.scores["last"] is not None
        shutil.rmtree(things / "shop")
        assert adapted(things, method="shot").source is None
        with pytest.raises(Misuse, match="domain shop"):
            adapted(things)

    def test_only_what_the_method_trains_has_changed(self, things: Path, start: TrainingResult) -> None:
        before = load_file(Registry().find(start.id).file_path())
        changed = {}
        for method in ("shot", "tent", "adabn"):
            after = load_file(Registry().find(adapted(things, method=method, train="head").id).file_path())
            changed[method] = {key for key in before if not torch.equal(before[key], after[key])}
            changed[method].discard("heads.0.bottleneck.3.num_batches_tracked")
        norm, layer = "heads.0.bottleneck.3.", "heads.0.bottleneck.2."
        assert changed["adabn"] == {f"{norm}running_mean", f"{norm}running_var"}
        assert changed["tent"] == changed["adabn"] | {f"{norm}weight", f"{norm}bias"}
        assert changed["shot"] == changed["tent"] | {f"{layer}weight", f"{layer}bias"}


class TestInterruption:
    @pytest.mark.usefixtures("start")
    @pytest.mark.parametrize("method", ["cdan", "shot", "auto"])
    def test_the_same_adaptation_goes_on_to_the_same_weights(
        self, things: Path, monkeypatch: pytest.MonkeyPatch, method: str
    ) -> None:
        """Wherever it is interrupted, among teachers too."""
        save, saved = Checkpoints.save, list[Checkpoints]()

        def save_and_stop(*arguments: Any) -> None:
            save(*arguments)
            saved.append(arguments[0])
            if len(saved) % 2:
                raise KeyboardInterrupt

        stored = len(Registry().entries())
        with monkeypatch.context() as patched:
            patched.setattr(Checkpoints, "save", save_and_stop)
            with pytest.raises(KeyboardInterrupt):
                adapted(things, method=method)
        assert len(Registry().entries()) == stored
        told = Listener()
        resumed = adapted(things, method=method, observer=told)
        assert "resuming after epoch 1 of 2" in told.said
        again = adapted(things, method=method)
        assert again.id != resumed.id
        assert weights(again) == weights(resumed)
        assert again.scores == resumed.scores
        assert list(paths.runs().iterdir()) == []

    def test_another_target_of_the_same_name_is_another_run(self, things: Path, start: TrainingResult) -> None:
        first = adapted(things)
        next((things / "phone" / "mug").iterdir()).unlink()
        again = adapted(things, resume=True)
        assert again.id != first.id
        assert start.id == again.parent == first.parent

    def test_what_decides_the_result_decides_the_run(self, things: Path, start: TrainingResult) -> None:
        first = adapted(things)
        assert adapted(things, resume=True, name=None).id == first.id
        for change in ({"settings": {"weight": "0.5"}}, {"validator": "bnm"}, {"views": 3}, {"seed": 1}):
            assert adapted(things, resume=True, **change).id != first.id
        assert start.id == first.parent


class TestTooLittle:
    @pytest.mark.usefixtures("start")
    def test_one_photograph_is_no_target(self, things: Path) -> None:
        (things / "heap").mkdir()
        shutil.copy(things / "phone" / "mug" / "0.png", things / "heap")
        for method in ("mcc", "shot", "tent"):
            with pytest.raises(Failed, match="target heap: it has fewer than two photographs"):
                adapted(things, "heap", method=method)
        assert len(Registry().entries()) == 1

    def test_a_source_must_show_two_items(self, tmp_path: Path) -> None:
        things = make_things(tmp_path / "things", "shop", "phone")
        for domain in ("shop", "phone"):
            for item in ITEMS[1:]:
                shutil.rmtree(things / domain / item)
        trained(things)
        with pytest.raises(Failed, match="source shop: its photographs all show the same item"):
            adapted(things)
        assert len(Registry().entries()) == 1

    @pytest.mark.usefixtures("start")
    def test_labels_of_which_none_is_kept_back_validate_nothing(self, things: Path) -> None:
        for picture in (things / "shop").glob("*/[1-9].png"):
            picture.unlink()
        with pytest.raises(Failed, match="no photograph of the source is held out"):
            adapted(things, validator="source", held_out=0.3)


class TestWrongUse:
    @pytest.mark.usefixtures("start")
    @pytest.mark.parametrize("method", ["adabn", "tent"])
    def test_a_method_that_takes_one_pass_has_no_epochs_to_choose(self, things: Path, method: str) -> None:
        with pytest.raises(Misuse, match="1 pass over the target"):
            adapted(things, method=method, epochs=3)

    def test_numbers_that_make_no_sense(self, things: Path) -> None:
        for wrong in ({"epochs": 0}, {"batch_size": 1}, {"views": 0}, {"held_out": 1.0}):
            with pytest.raises(Misuse):
                adapted(things, **wrong)
        with pytest.raises(Misuse, match="--steps 0"):
            adapt("phone", method="mcc", steps=0, data=str(things))

    def test_the_target_is_no_source_of_itself(self, things: Path, start: TrainingResult) -> None:
        with pytest.raises(Misuse, match="it is the target"):
            adapted(things, source=["phone"])
        with pytest.raises(Misuse, match="no domain but shop"):
            adapted(things, "shop", model=start.id)


ONE_PASS = '''"""One pass: make the target's predictions certain."""

from dataclasses import dataclass

from office31_cli.methods import base
from office31_cli.methods.tent import mean_entropy


@dataclass(frozen=True, kw_only=True)
class Method(base.Method):
    """Entropy minimisation by every weight of the trained part."""

    paper = "none"
    source_free = True
    passes = 1

    def losses(self, source, target, step):
        return {"entropy": mean_entropy(target.logits)}
'''


class TestWithoutBatchNorms:
    """A stored network whose head is one linear layer, as imported classifiers have it."""

    @pytest.fixture(autouse=True)
    def plain_head(self, things: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("office31_cli.workflow.starting_weights.BOTTLENECK", 0)
        trained(things)

    @pytest.mark.parametrize("method", ["adabn", "tent"])
    def test_a_method_that_works_by_batch_norms_is_refused(self, things: Path, method: str) -> None:
        with pytest.raises(Misuse, match=f"--method {method}: it works by batch norms, and the part that is trained"):
            adapted(things, method=method, train="head")
        assert adapted(things, method=method, train="all").train == "all"

    def test_another_method_of_one_pass_needs_none(
        self, things: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "methods").mkdir()
        (tmp_path / "methods" / "one_pass.py").write_text(ONE_PASS)
        monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(tmp_path / "methods")])
        told = Listener()
        result = adapted(things, method="one-pass", train="head", observer=told)
        assert (result.epochs, told.warned) == (1, [])
