"""Adapted networks are calibrated without a label of the target."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from office31_cli import Options, adapt, evaluate
from office31_cli.data.catalogue import open_data
from office31_cli.data.data_set import DataSet
from office31_cli.data.photographs import Photographs
from office31_cli.metrics.calibration import fit_temperature
from office31_cli.models.stored import load_network
from office31_cli.registry import Registry
from office31_cli.results import AdaptResult
from office31_cli.workflow.calibration import Calibration, load_calibration
from office31_cli.workflow.domains import open_domain
from tests.helpers.small_data import Listener
from tests.helpers.small_training import make_things, trained


@pytest.fixture
def things(tmp_path: Path) -> Path:
    root = make_things(tmp_path / "things", "shop", "phone")
    trained(root, options=Options(epochs=4, batch_size=8))
    return root


def adapted(things: Path, train: str = "head", method: str = "mcc") -> AdaptResult:
    options = Options(epochs=2, batch_size=8, held_out=0.0, train=train)
    return adapt("phone", method=method, steps=3, data=str(things), options=options)


def calibration_of(model: AdaptResult) -> Calibration | None:
    return load_calibration(Registry().find(model.id))


@pytest.mark.parametrize("train", ["head", "last", "all"])
def test_mixed_pictures_are_labelled_by_what_the_network_takes_the_stronger_for(things: Path, train: str) -> None:
    model = adapted(things, train)
    network, preprocessing = load_network(Registry().find(model.id))
    network.eval()
    opened = open_domain(open_data(str(things)), "phone", preprocessing, skip_bad=False, observer=Listener())
    order = np.argsort(opened.photographs.digests)
    pictures = preprocessing.centre_crop(torch.from_numpy(opened.pixels.rows(opened.photographs.rows[order])))
    with torch.inference_mode():
        plain = network(pictures).double().softmax(1).numpy()
        mixed = network(0.65 * pictures + 0.35 * pictures.roll(-1, 0)).double().softmax(1).numpy()
    named = plain.argmax(1)
    unlike = named != np.roll(named, -1)
    found = calibration_of(model)
    if not unlike.any():
        assert found is None
        return
    assert found is not None
    assert found.photographs == unlike.sum()
    assert found.temperature == pytest.approx(fit_temperature(mixed[unlike], named[unlike]), rel=0.03)
    told = -np.log(mixed[unlike, named[unlike]])
    # A processor may multiply in bfloat16; shares of 0.6 or 0.7 would be wrong by 1.5 and more.
    np.testing.assert_allclose(found.scores, np.sort(told), atol=0.3)


@pytest.mark.parametrize("method", ["mcc", "shot"])
def test_the_targets_labels_do_not_change_it(things: Path, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    told, opened = adapted(things, method=method), DataSet.photographs

    def shuffled(data: DataSet, domain: str) -> Photographs:
        found = opened(data, domain)
        return dataclasses.replace(found, items=(found.items + 1) % 3) if domain == "phone" else found

    monkeypatch.setattr(DataSet, "photographs", shuffled)
    misled = adapted(things, method=method)
    assert misled.scores != told.scores
    assert calibration_of(misled) == calibration_of(told)


def test_no_label_is_used_and_none_is_promised(things: Path) -> None:
    model = adapted(things)
    assert model.labels_used["phone"] == 0
    found = calibration_of(model)
    assert found is not None
    assert (found.labels, found.fitted_on) == ({}, "phone, mixed in pairs, without labels")
    scored = evaluate("phone", model=model.id, data=str(things))
    assert (scored.seen, scored.calibration["own"], scored.calibration["labels_used"]) == (0, 0, {})
    assert scored.accuracy == model.scores["last"]


def test_a_target_without_labels_is_calibrated_as_well(things: Path) -> None:
    for number, picture in enumerate(sorted((things / "phone").glob("*/*"))):
        picture.rename(things / "phone" / f"{number}.png")
    for folder in (things / "phone").iterdir():
        if folder.is_dir():
            folder.rmdir()
    model = adapted(things)
    assert model.scores["last"] is None
    assert (model.calibration is None) == (calibration_of(model) is None)
