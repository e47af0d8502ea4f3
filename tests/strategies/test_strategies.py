import inspect
import math
import pkgutil
import subprocess
import sys
from importlib import import_module

import pytest
import torch

from office31_cli import strategies
from office31_cli.engine.frozen_split import split_network
from office31_cli.engine.settings import NO_REFINEMENTS, Refinements
from office31_cli.errors import Misuse
from office31_cli.models.network import Network, extend_network
from office31_cli.strategies.base import Strategy, trainable_parameters
from tests.helpers.mixed_outputs import DOMAIN, ITEM, apart
from tests.helpers.tiny_finetuning import build_finetuning, names_of_changed, settings, stored_network


def names() -> list[str]:
    files = [module.name for module in pkgutil.iter_modules(strategies.__path__)]
    return [file.replace("_", "-") for file in files if file != "base"]


every = pytest.mark.parametrize("name", names())


def prepared(strategy: Strategy) -> Network:
    stored = stored_network()
    return extend_network(stored, strategy.architecture(stored.architecture))


def changed_by(name: str, train: str = "all") -> set[str]:
    """The names of the tensors that two epochs of training change."""
    tiny = build_finetuning(strategies.load(name)(), settings(epochs=2, weight_decay=1e-3), train=train)
    states = tiny.states()
    return names_of_changed(states[0], {key: value.detach() for key, value in tiny.network.state_dict().items()})


@every
def test_every_file_is_a_strategy_that_is_listed_and_says_what_it_does(name: str) -> None:
    assert name in strategies.FOLDER.names()
    strategies.FOLDER.check(name)
    assert issubclass(strategies.load(name), Strategy)
    assert (inspect.getdoc(import_module(f"office31_cli.strategies.{name.replace('-', '_')}")) or "").strip()
    assert (paper := strategies.load(name).paper)
    assert "et al" not in paper


@every
def test_every_default_lies_in_the_range_that_is_worth_trying(name: str) -> None:
    kind = strategies.load(name)
    for setting in kind.hyperparameters():
        assert setting.metadata["low"] <= setting.default <= setting.metadata["high"], setting.name
        assert setting.metadata["meaning"]
        typed = kind.from_text(name, {setting.name: str(setting.default)})
        assert typed == kind()
        with pytest.raises(Misuse):
            kind.from_text(name, {setting.name: str(2 * setting.metadata["high"])})


@every
def test_every_strategy_trains_parameters_of_the_network_and_each_once(name: str) -> None:
    strategy = strategies.load(name)()
    whole = prepared(strategy)
    groups = strategy.parameter_groups(whole)
    chosen = [id(parameter) for group in groups for parameter in group.parameters]
    assert chosen
    assert len(chosen) == len(set(chosen))
    assert set(chosen) == set(map(id, trainable_parameters(whole)))


@every
@pytest.mark.parametrize("train", ["head", "last", "all"])
@pytest.mark.parametrize("added", [NO_REFINEMENTS, Refinements(layer_decay=0.5), Refinements(gradual_unfreezing=True)])
def test_every_strategy_trains_every_part_of_a_network(name: str, train: str, added: Refinements) -> None:
    """The last layer learns; all losses are finite, and none takes the place of an output's."""
    tiny = build_finetuning(strategies.load(name)(), settings(epochs=5), train=train, refinements=added)
    own = set(tiny.losses()) - {"item"}
    before = tiny.network.heads[0].outputs.weight.detach().clone()
    history = tiny.run()
    assert not torch.equal(tiny.network.heads[0].outputs.weight, before)
    for losses in history:
        assert set(losses) == {"item"} | own
        assert all(map(math.isfinite, losses.values()))


@pytest.mark.parametrize("name", [name for name in names() if not strategies.load(name).item_only])
@pytest.mark.parametrize("train", ["head", "last", "all"])
def test_a_strategy_that_does_not_answer_the_item_alone_trains_networks_side_by_side(name: str, train: str) -> None:
    tiny = build_finetuning(strategies.load(name)(), settings(epochs=2), train=train, outputs=apart(ITEM, DOMAIN))
    before = [head.outputs.weight.detach().clone() for head in tiny.network.heads]
    tiny.run()
    for head, weight in zip(tiny.network.heads, before, strict=True):
        assert not torch.equal(head.outputs.weight, weight)


@every
def test_no_strategy_adds_to_what_is_stored(name: str) -> None:
    strategy = strategies.load(name)()
    tiny = build_finetuning(strategy, settings(epochs=1))
    tiny.run()
    assert set(tiny.network.state_dict()) == set(prepared(strategy).state_dict())


def test_listing_and_loading_imports_no_torch() -> None:
    code = "import sys; from office31_cli.strategies import FOLDER, load; [load(name)() for name in FOLDER.names()]; "
    assert subprocess.run([sys.executable, "-c", f"{code} exit('torch' in sys.modules)"], check=False).returncode == 0


def test_an_unknown_strategy_gets_a_near_match() -> None:
    with pytest.raises(Misuse, match=r"did you mean linear\?") as raised:
        strategies.FOLDER.check("liner")
    assert raised.value.exit_code == 2
    with pytest.raises(Misuse):
        strategies.FOLDER.check("base")


def test_linear_changes_the_outputs_and_nothing_else() -> None:
    """Neither the bottleneck's weights nor any batch norm's statistics."""
    assert changed_by("linear") == {"heads.0.outputs.weight", "heads.0.outputs.bias"}


def test_full_changes_all_that_it_may() -> None:
    whole = set(stored_network().state_dict())
    assert changed_by("full") == whole
    assert changed_by("full", "head") == {name for name in whole if name.startswith("heads.")}


def test_full_trains_the_backbone_at_a_tenth() -> None:
    whole = stored_network()
    backbone, head = strategies.load("full")().parameter_groups(whole)
    assert (backbone.scale, head.scale) == (0.1, 1.0)
    assert list(map(id, backbone.parameters)) == list(map(id, whole.backbones.parameters()))
    assert list(map(id, head.parameters)) == list(map(id, whole.heads.parameters()))


def test_full_leaves_alone_what_train_froze() -> None:
    whole = stored_network()
    split_network(whole, "head")
    backbone, head = strategies.load("full")().parameter_groups(whole)
    assert backbone.parameters == []
    assert head.parameters
