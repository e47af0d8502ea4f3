"""What trainings learn from, hold out and count, from Python."""

import shutil
from pathlib import Path

import pytest

from office31_cli import Options, evaluate, finetune, pretrain
from office31_cli.data.catalogue import open_data
from office31_cli.data.splits import choose_held_out
from office31_cli.errors import Misuse
from office31_cli.registry import Registry
from office31_cli.workflow import seen_labels
from tests.helpers.small_data import Listener
from tests.helpers.small_training import ITEMS, PICTURES, QUICK, interrupt, make_things, rename_copy, trained

WHOLE = len(ITEMS) * PICTURES
TRAINING = WHOLE * 4 // 5


@pytest.fixture
def things(tmp_path: Path) -> Path:
    return make_things(tmp_path / "things", "shop", "phone")


def options(**changes: object) -> Options:
    return Options(**{"epochs": 1, "batch_size": 8} | changes)  # type: ignore[arg-type]


class TestScores:
    def test_a_domain_under_another_name_is_known_by_its_photographs(self, things: Path) -> None:
        start = trained(things)
        tuned = finetune("phone", model=start.id, data=str(things), options=QUICK)
        rename_copy(things, "phone", "camera")

        scored = evaluate("camera", model=tuned.id, data=str(things))
        assert (scored.split, scored.photographs, scored.seen) == ("camera:test", WHOLE - TRAINING, 0)
        assert scored.to_json()["seen"] == 0
        assert scored.labels_used == {"camera": TRAINING, "phone": TRAINING, "shop": TRAINING}
        assert scored.accuracy == tuned.validation["item"]
        whole = evaluate("camera:all", model=tuned.id, data=str(things))
        assert (whole.photographs, whole.seen) == (WHOLE, TRAINING)
        learnt = evaluate("camera:train", model=tuned.id, data=str(things))
        assert (learnt.photographs, learnt.seen) == (TRAINING, TRAINING)

        before = evaluate("camera", model=start.id, data=str(things))
        assert (before.split, before.photographs, before.seen) == ("camera:all", WHOLE, 0)
        assert before.labels_used["camera"] == 0

    def test_a_domain_that_shares_some_photographs_is_scored_on_the_others(self, things: Path) -> None:
        start = trained(things)
        rename_copy(things, "phone", "camera")
        shutil.copy(next((things / "shop" / "mug").iterdir()), things / "camera" / "mug" / "shared.png")
        for picture in (things / "shop" / "pen").iterdir():
            shutil.copy(picture, things / "camera" / "pen" / f"shared_{picture.name}")
        known = set(seen_labels.load_seen_labels(Registry().find(start.id))["shop"])
        camera = open_data(str(things)).photographs("camera")
        shared = sum(digest[:16] in known for digest in camera.digests)
        assert shared >= PICTURES * 4 // 5 - 1

        scored = evaluate("camera", model=start.id, data=str(things))
        assert (scored.split, scored.photographs, scored.seen) == ("camera:test", len(camera) - shared, 0)
        assert scored.labels_used["camera"] == shared


class TestLabels:
    def test_no_photograph_counts_twice_or_is_scored_after_the_parent_saw_its_label(self, things: Path) -> None:
        shutil.copy(things / "phone" / "mug" / "0.png", things / "phone" / "mug" / "twin.png")
        phone = open_data(str(things)).photographs("phone")
        model = trained(things).id
        for seed in (1, 2, 3):
            before = seen_labels.load_seen_labels(Registry().find(model)).get("phone", [])
            tuned = finetune("phone", model=model, data=str(things), options=options(seed=seed))
            held = phone.subset(choose_held_out(phone.items, phone.digests, seed=seed))
            assert tuned.held_out == sum(digest[:16] not in before for digest in held.digests)
            after = seen_labels.load_seen_labels(Registry().find(tuned.id))["phone"]
            assert len(before) <= tuned.labels_used["phone"] == len(after) <= len(phone)
            model = tuned.id
        unseen = sum(digest[:16] not in after for digest in phone.digests)
        if unseen:
            assert evaluate("phone", model=model, data=str(things)).photographs == unseen

    def test_few_labels_are_drawn_from_the_training_part(self, things: Path) -> None:
        start = trained(things).id
        every = finetune("phone", model=start, data=str(things), options=QUICK)
        three = finetune("phone", model=start, data=str(things), labels=3, options=QUICK)
        assert every.held_out == three.held_out == WHOLE - TRAINING
        assert (every.photographs, three.photographs) == (TRAINING, 3 * len(ITEMS))
        assert every.to_json()["labels"] == "all"
        assert three.to_json()["labels"] == 3
        few, all_of_it = (
            set(seen_labels.load_seen_labels(Registry().find(model.id))["phone"]) for model in (three, every)
        )
        assert few < all_of_it
        assert three.labels_used["phone"] == 3 * len(ITEMS)


class TestInterruption:
    def test_the_same_training_goes_on_to_the_same_weights(
        self, things: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        three = options(epochs=3)
        interrupt(monkeypatch, things, three, after=2)
        assert Registry().entries() == []
        told = Listener()
        resumed = trained(things, options=three, observer=told)
        assert "resuming after epoch 2 of 3" in told.said
        weights = Registry().find(resumed.id).file_path().read_bytes()

        monkeypatch.setenv("OFFICE31_HOME", str(tmp_path / "another home"))
        whole = trained(things, options=three)
        assert Registry().find(whole.id).file_path().read_bytes() == weights
        assert (resumed.validation, resumed.held_out) == (whole.validation, whole.held_out)

    def test_another_training_does_not_take_its_checkpoint(self, things: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        interrupt(monkeypatch, things, options(epochs=2), after=1)
        told = Listener()
        trained(things, options=options(epochs=2, seed=1), observer=told)
        assert not any("going on" in said for said in told.said)
        told = Listener()
        trained(things, options=options(epochs=2), observer=told)
        assert "resuming after epoch 1 of 2" in told.said

    def test_resuming_what_has_finished_returns_its_model(self, things: Path) -> None:
        first = trained(things)
        again = trained(things, options=options(resume=True))
        assert (again.model, again.id) == (first.model, first.id)
        assert (again.validation, again.labels_used) == (first.validation, first.labels_used)
        assert [entry.id for entry in Registry().entries()] == [first.id]


class TestWrongUse:
    @pytest.mark.parametrize("wrong", [{"epochs": 0}, {"epochs": -1}, {"batch_size": 1}, {"held_out": 1.0}])
    def test_numbers_that_make_no_sense(self, things: Path, wrong: dict[str, object]) -> None:
        with pytest.raises(Misuse):
            trained(things, options=options(**wrong))
        with pytest.raises(Misuse):
            finetune("phone", data=str(things), options=options(**wrong))

    def test_domains_are_a_list_of_one_or_more(self, things: Path) -> None:
        for domains in ([], "shop", ()):
            with pytest.raises(Misuse, match="list"):
                pretrain(domains, data=str(things), backbone="convnet", options=QUICK)
        assert Registry().entries() == []
