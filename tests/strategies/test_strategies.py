import inspect
import pkgutil
import subprocess
import sys
from importlib import import_module

import pytest
import torch
from small_outputs import THREE
from torch import Tensor

from office31_cli import strategies
from office31_cli.engine.batches import LabelledBatches
from office31_cli.engine.freezing import cut
from office31_cli.engine.inputs import Draws, Examples
from office31_cli.engine.loop import Supervised, Training
from office31_cli.engine.settings import Settings
from office31_cli.errors import Misuse
from office31_cli.models.network import Architecture, Network
from office31_cli.observer import SILENT
from office31_cli.strategies.base import Strategy

CPU = torch.device("cpu")


class RandomImages:
    """Six images; always the same."""

    images = torch.rand(6, 3, 16, 16, generator=torch.Generator().manual_seed(0))

    def training(self, examples: Examples, draws: Draws) -> Tensor:
        return self.images[examples.rows]

    def evaluation(self, examples: Examples) -> Tensor:
        return self.images[examples.rows]


def network() -> Network:
    torch.manual_seed(0)
    return Network(Architecture(backbone="convnet", bottleneck=8, outputs=THREE, crop=16))


def changed_by(strategy: str, train: str = "all") -> set[str]:
    """The names of the tensors that two epochs of training change."""
    whole = network()
    before = {key: value.clone() for key, value in whole.state_dict().items()}
    parts = cut(whole, train)
    groups = strategies.load(strategy).groups(whole)
    rows = torch.arange(6).numpy()
    how = Settings(epochs=2, batch_size=3, optimizer="sgd", lr=0.1, seed=0)
    task, examples = Supervised(parts.trained, THREE), Examples(rows * 0, rows, (rows % 3)[:, None].astype(float))
    batches = LabelledBatches(RandomImages(), examples, batch_size=how.batch_size, seed=how.seed, device=CPU)
    Training(task, groups, batches, how, CPU).run(SILENT)
    return {key for key, value in whole.state_dict().items() if not torch.equal(value, before[key])}


def files() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(strategies.__path__) if module.name != "base"]


@pytest.mark.parametrize("file", files())
def test_every_file_is_a_strategy_that_is_listed_and_says_what_it_does(file: str) -> None:
    name = file.replace("_", "-")
    assert name in strategies.FOLDER.names()
    strategies.FOLDER.check(name)
    assert isinstance(strategies.load(name), Strategy)
    assert (inspect.getdoc(import_module(f"office31_cli.strategies.{file}")) or "").strip()


@pytest.mark.parametrize("file", files())
def test_every_strategy_trains_parameters_of_the_network_and_each_once(file: str) -> None:
    whole = network()
    groups = strategies.load(file.replace("_", "-")).groups(whole)
    chosen = [id(parameter) for group in groups for parameter in group.parameters]
    assert chosen
    assert len(chosen) == len(set(chosen))
    assert set(chosen) == {id(parameter) for parameter in whole.parameters() if parameter.requires_grad}


def test_listing_and_checking_imports_no_torch() -> None:
    code = "import sys; from office31_cli.strategies import FOLDER as f; f.check('full'); exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


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
    whole = set(network().state_dict())
    assert changed_by("full") == whole


def test_full_trains_the_backbone_at_a_tenth() -> None:
    whole = network()
    backbone, head = strategies.load("full").groups(whole)
    assert (backbone.scale, head.scale) == (0.1, 1.0)
    assert list(map(id, backbone.parameters)) == list(map(id, whole.backbones.parameters()))
    assert list(map(id, head.parameters)) == list(map(id, whole.heads.parameters()))


def test_full_leaves_alone_what_train_froze() -> None:
    whole = network()
    cut(whole, "head")
    backbone, head = strategies.load("full").groups(whole)
    assert backbone.parameters == []
    assert head.parameters
