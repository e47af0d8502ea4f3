"""What several outputs at once have to do with each of them by itself."""

import json
import math

import numpy as np
import pytest
import torch
from scipy.special import expit, softmax
from torch import Tensor, nn

from office31_cli.engine.tasks import SupervisedTask
from office31_cli.models.network import Architecture, Network
from office31_cli.outputs.base import FloatArray, Output
from office31_cli.outputs.choice import Kind as Choice
from office31_cli.outputs.composite import Composite
from office31_cli.outputs.number import Kind as Number
from office31_cli.outputs.yes_no import Kind as YesNo
from tests.helpers.mixed_outputs import BOXED, DOMAIN, GRAMS, ITEM, PAIR, apart, decode, drawn_columns, joined

WEIGHED = (ITEM, DOMAIN.with_weight(0.5), BOXED.with_weight(3.0), GRAMS.with_weight(0.25))
PLACES = {"item": slice(0, 3), "domain": slice(3, 5), "boxed": slice(5, 6), "grams": slice(6, 7)}
"""Where the numbers of each stand in the last layer."""

COLUMNS = drawn_columns()
COUNT = 7


def drawn_raw(width: int = 7) -> FloatArray:
    return np.random.default_rng(1).normal(0, 2, (COUNT, width))


def targets_of(composite: Composite) -> Tensor:
    return torch.from_numpy(composite.targets(COLUMNS))


def loss_by_itself(output: Output, raw: Tensor) -> Tensor:
    """The weighted loss of one output, given only its own numbers (n, its width)."""
    return output.weight * output.loss(raw, torch.from_numpy(output.targets(COLUMNS)))


# ---- the gradient at the output layer: the components' gradients side by side


def test_the_gradient_at_the_output_layer_is_the_components_gradients_side_by_side() -> None:
    composite = joined(*WEIGHED)
    raw = torch.from_numpy(drawn_raw()).requires_grad_()
    total = sum(composite.losses(raw, targets_of(composite)).values(), torch.zeros(()))
    (whole,) = torch.autograd.grad(total, raw)
    alone = []
    for output in WEIGHED:
        own = raw.detach()[:, PLACES[output.name]].clone().requires_grad_()
        alone += torch.autograd.grad(loss_by_itself(output, own), own)
    torch.testing.assert_close(whole, torch.cat(alone, 1), rtol=1e-12, atol=1e-15)


def test_the_gradient_at_the_output_layer_is_the_formulas() -> None:
    """Probability less truth for choices and judgements, error for numbers, each times its weight over n."""
    composite = joined(*WEIGHED)
    numbers = drawn_raw()
    raw = torch.from_numpy(numbers).requires_grad_()
    torch.stack(list(composite.losses(raw, targets_of(composite)).values())).sum().backward()
    item = softmax(numbers[:, 0:3], axis=1) - np.eye(3)[COLUMNS["item"].astype(int)]
    domain = softmax(numbers[:, 3:5], axis=1) - np.eye(2)[COLUMNS["domain"].astype(int)]
    boxed = expit(numbers[:, 5:6]) - COLUMNS["boxed"][:, None]
    error = numbers[:, 6:7] / 4 - (COLUMNS["grams"][:, None] - 300) / 40
    expected = np.concatenate([item, 0.5 * domain, 3 * boxed, 0.25 * 2 * error / 4], axis=1) / COUNT
    assert raw.grad is not None
    np.testing.assert_allclose(raw.grad.numpy(), expected, rtol=1e-10, atol=1e-14)


def test_the_composites_gradient_is_its_losses_derivative() -> None:
    composite = joined(*WEIGHED)
    raw = torch.from_numpy(drawn_raw()).requires_grad_()
    targets = targets_of(composite)
    assert torch.autograd.gradcheck(lambda given: tuple(composite.losses(given, targets).values()), raw)


def test_every_loss_is_told_under_its_own_name() -> None:
    composite = joined(*WEIGHED)
    raw = torch.from_numpy(drawn_raw())
    losses = composite.losses(raw, targets_of(composite))
    assert list(losses) == ["item", "domain", "boxed", "grams"]
    for output in WEIGHED:
        assert losses[output.name].item() == pytest.approx(loss_by_itself(output, raw[:, PLACES[output.name]]).item())


# ---- the gradient below: the sum of the components' gradients


class Exact(nn.Module):
    """What a network computes, in float64; its heads themselves answer in float32."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network.double()

    def forward(self, images: Tensor) -> Tensor:
        """The same dropout every time, so that gradients can be compared."""
        torch.manual_seed(5)
        pairs = zip(self.network.backbones, self.network.heads, strict=True)
        return torch.cat([head.outputs(head.bottleneck(backbone(images))) for backbone, head in pairs], 1)


IMAGES = torch.rand(COUNT, 3, 16, 16, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def network_of(composite: Composite) -> Network:
    torch.manual_seed(0)
    return Network(Architecture(backbone="convnet", bottleneck=8, crop=16, outputs=composite)).train()


def gradients(losses: Tensor, module: nn.Module) -> dict[str, Tensor | None]:
    names, parameters = zip(*module.named_parameters(), strict=True)
    return dict(zip(names, torch.autograd.grad(losses, parameters, retain_graph=True, allow_unused=True), strict=True))


@pytest.mark.parametrize("composite", [joined(*WEIGHED), apart(*WEIGHED)], ids=["joined", "apart"])
def test_the_exact_network_is_the_network(composite: Composite) -> None:
    network = network_of(composite).eval()
    with torch.no_grad():
        single = network(IMAGES.float())
        torch.testing.assert_close(Exact(network)(IMAGES).float(), single, rtol=1e-4, atol=1e-4)


def trained_for(composite: Composite, network: Network) -> dict[str, Tensor | None]:
    """The gradients of what a training minimises."""
    losses = SupervisedTask(Exact(network), composite)(0.0, 0, IMAGES, targets_of(composite))
    return gradients(torch.stack(list(losses.values())).sum(), network)


def only(network: Network, output: Output) -> Network:
    """A network that answers one of the outputs and has the same hidden layers."""
    alone = network_of(joined(output)).double()
    alone.backbones.load_state_dict(network.backbones.state_dict())
    alone.heads[0].bottleneck.load_state_dict(network.heads[0].bottleneck.state_dict())
    with torch.no_grad():
        alone.heads[0].outputs.weight.copy_(network.heads[0].outputs.weight[PLACES[output.name]])
        alone.heads[0].outputs.bias.copy_(network.heads[0].outputs.bias[PLACES[output.name]])
    return alone


def test_the_gradient_of_what_is_shared_is_the_sum_of_the_components_gradients() -> None:
    composite = joined(*WEIGHED)
    network = network_of(composite).double()
    alone = [trained_for(joined(output), only(network, output)) for output in WEIGHED]
    whole = trained_for(composite, network)
    hidden = [name for name in whole if not name.startswith("heads.0.outputs")]
    assert any(name.startswith("heads.0.bottleneck") for name in hidden)
    assert any(name.startswith("backbones") for name in hidden)
    for name in hidden:
        parts = torch.stack([each[name] for each in alone])
        torch.testing.assert_close(whole[name], parts.sum(0), rtol=1e-9, atol=1e-12)
        if name.endswith("weight"):
            assert all(bool(part.any()) for part in parts)  # every component has its say
    for name in ("heads.0.outputs.weight", "heads.0.outputs.bias"):
        torch.testing.assert_close(whole[name], torch.cat([each[name] for each in alone]), rtol=1e-9, atol=1e-12)


def test_separate_networks_learn_nothing_from_each_others_losses() -> None:
    composite = apart(ITEM, DOMAIN.with_weight(0.5))
    network = network_of(composite)
    losses = SupervisedTask(Exact(network), composite)(0.0, 0, IMAGES, targets_of(composite))
    both = trained_for(composite, network)
    for place, name in enumerate(("item", "domain")):
        own = gradients(losses[name], network)
        for parameter, gradient in own.items():
            if parameter.startswith((f"backbones.{place}.", f"heads.{place}.")):
                assert gradient is not None
                assert gradient.any() or parameter.endswith("bias")  # batch norm takes a bias before it away
                torch.testing.assert_close(both[parameter], gradient, rtol=1e-12, atol=0)
            else:
                assert gradient is None or not gradient.any()


def test_a_separate_network_learns_what_it_would_learn_alone() -> None:
    composite = apart(ITEM, DOMAIN.with_weight(0.5))
    network = network_of(composite).eval()  # no dropout: its masks would be drawn in another order
    both = trained_for(composite, network)
    for place, output in enumerate(composite.outputs):
        alone = network_of(joined(output)).double().eval()
        alone.backbones[0].load_state_dict(network.backbones[place].state_dict())
        alone.heads[0].load_state_dict(network.heads[place].state_dict())
        for name, gradient in trained_for(joined(output), alone).items():
            kind, _, rest = name.split(".", 2)
            torch.testing.assert_close(both[f"{kind}.{place}.{rest}"], gradient, rtol=1e-12, atol=0)


# ---- what is answered


@pytest.mark.parametrize(
    "composite",
    [joined(*WEIGHED), apart(*WEIGHED), Composite((WEIGHED[:1], WEIGHED[1:])), joined(*reversed(WEIGHED))],
    ids=["joined", "apart", "both", "reversed"],
)
def test_every_output_reads_its_own_numbers(composite: Composite) -> None:
    raw, start = drawn_raw(), 0
    answers = composite.decode_array(raw)
    widths = {"item": 3, "domain": 2, "boxed": 1, "grams": 1}
    for output in composite.outputs:
        stop = start + widths[output.name]
        np.testing.assert_array_equal(answers[output.name], decode(output, raw[:, start:stop])[output.name])
        start = stop
    assert composite.width == start == 7
    assert set(answers) == set(composite.columns) == set(COLUMNS)


def test_targets_stand_in_the_order_of_the_outputs() -> None:
    targets = joined(*WEIGHED).targets(COLUMNS)
    assert targets.shape == (COUNT, 4)
    for place, name in enumerate(("item", "domain", "boxed")):
        np.testing.assert_array_equal(targets[:, place], COLUMNS[name])
    np.testing.assert_allclose(targets[:, 3], (COLUMNS["grams"] - 300) / 40)
    pairs = joined(PAIR).targets(COLUMNS)
    np.testing.assert_array_equal(pairs[:, 0], 3 * COLUMNS["domain"] + COLUMNS["item"])


def test_each_column_is_scored_by_its_kind() -> None:
    scores = joined(*WEIGHED).scores(drawn_raw(), COLUMNS)
    choice = {"kind", "accuracy", "macro_accuracy", "ece"}
    assert {name: set(figures) for name, figures in scores.items()} == {
        "item": choice,
        "domain": choice,
        "boxed": {"kind", "accuracy", "recall_yes", "recall_no"},
        "grams": {"kind", "mae", "rmse", "r2"},
    }
    assert {name: figures["kind"] for name, figures in scores.items()} == {
        "item": "choice",
        "domain": "choice",
        "boxed": "yes/no",
        "grams": "number",
    }
    headlines = joined(*WEIGHED).headlines(scores)
    assert headlines == {
        "item": scores["item"]["accuracy"],
        "domain": scores["domain"]["accuracy"],
        "boxed": scores["boxed"]["accuracy"],
        "grams": scores["grams"]["r2"],
    }


def test_right_answers_score_best() -> None:
    raw = np.concatenate(
        [
            50 * np.eye(3)[COLUMNS["item"].astype(int)],
            50 * np.eye(2)[COLUMNS["domain"].astype(int)],
            100 * COLUMNS["boxed"][:, None] - 50,
            (COLUMNS["grams"][:, None] - 300) / 40 * 4,
        ],
        axis=1,
    )
    scores = joined(*WEIGHED).scores(raw, COLUMNS)
    assert scores["item"]["accuracy"] == scores["domain"]["accuracy"] == scores["boxed"]["accuracy"] == 1
    assert scores["grams"]["r2"] == pytest.approx(1)
    assert scores["grams"]["mae"] == pytest.approx(0, abs=1e-9)
    pairs = 50 * np.eye(6)[(3 * COLUMNS["domain"] + COLUMNS["item"]).astype(int)]
    assert {each["accuracy"] for each in joined(PAIR).scores(pairs, COLUMNS).values()} == {1.0}


def test_what_the_data_does_not_tell_is_not_scored() -> None:
    told = {name: COLUMNS[name] for name in ("item", "grams")}
    assert joined(*WEIGHED).scores(drawn_raw(), told).keys() == {"item", "grams"}


def test_only_photographs_whose_value_is_known_count() -> None:
    raw, known = drawn_raw(), np.array([True, False, True, True, False, True, True])
    some = {name: np.where(known, values, np.nan) for name, values in COLUMNS.items()}
    expected = joined(*WEIGHED).scores(raw[known], {name: values[known] for name, values in COLUMNS.items()})
    assert joined(*WEIGHED).scores(raw, some) == expected
    nothing = some | {"grams": np.full(len(raw), np.nan)}
    assert joined(*WEIGHED).scores(raw, nothing) == {name: expected[name] for name in expected if name != "grams"}


def test_a_pair_is_scored_by_what_it_says_of_each() -> None:
    scores = joined(PAIR).scores(drawn_raw(6), COLUMNS)
    assert {name: figures["kind"] for name, figures in scores.items()} == {"domain": "choice", "item": "choice"}
    assert joined(PAIR).headlines(scores).keys() == {"domain", "item"}


# ---- going on


def unfitted(weight: float = 1.0) -> Number:
    return Number(name="grams", weight=weight)


def test_a_numbers_scale_stays_that_of_the_earlier_training() -> None:
    earlier = joined(ITEM, unfitted()).fit({"grams": np.array([1.0, 3.0])})
    inherited = joined(unfitted(0.5), ITEM.with_weight(2.0)).inherit_from(earlier)
    assert inherited == joined(Number(name="grams", weight=0.5, mean=2.0, std=1.0), ITEM.with_weight(2.0))
    assert inherited.fit({"grams": np.array([50.0, 70.0])}) == inherited


def test_what_was_not_answered_before_is_fitted_to_what_is_learnt_from_now() -> None:
    inherited = joined(ITEM, unfitted()).inherit_from(joined(ITEM)).fit({"grams": np.array([50.0, 70.0])})
    assert inherited == joined(ITEM, Number(name="grams", mean=60.0, std=10.0))


def test_a_column_of_another_kind_now_is_another_output() -> None:
    earlier = joined(ITEM, Number(name="size", mean=1.0, std=2.0))
    asked = joined(ITEM, Choice(name="size", labels=("large", "small")))
    assert asked.inherit_from(earlier) == asked


def test_the_networks_are_those_asked_for() -> None:
    assert apart(DOMAIN, ITEM).inherit_from(joined(ITEM, DOMAIN)) == apart(DOMAIN, ITEM)
    assert joined(PAIR).inherit_from(joined(ITEM, DOMAIN)) == joined(PAIR)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Choice(name="colour", labels=("blue", "red")), Choice(name="colour", labels=("blue", "green", "red"))),
        (Choice(name="colour", labels=("blue", "red")), Choice(name="colour", labels=("red", "blue"))),
        (PAIR, type(PAIR)(name="pair", domains=("phone", "desk"), items=ITEM.labels)),
        (  # the same names in the same order, but one is an item now
            type(PAIR)(name="pair", domains=("phone", "shop"), items=("mug",)),
            type(PAIR)(name="pair", domains=("phone",), items=("shop", "mug")),
        ),
    ],
)
def test_other_labels_are_no_going_on(before: Output, after: Output) -> None:
    with pytest.raises(ValueError, match=f"{before.name} knows other labels"):
        joined(ITEM, after).inherit_from(joined(ITEM, before))


# ---- through a card and back


@pytest.mark.parametrize(
    "composite", [joined(*WEIGHED), apart(*WEIGHED), joined(PAIR, BOXED), joined(ITEM, unfitted()), apart(GRAMS, PAIR)]
)
def test_a_composite_goes_through_json(composite: Composite) -> None:
    assert Composite.from_json(json.loads(json.dumps(composite.to_json()))) == composite


STORED = joined(ITEM, GRAMS).to_json()
SOUND = STORED[0][0]


DAMAGED: dict[str, object] = {
    **{str(stored): stored for stored in (None, 5, "item", {}, [], [[]], [["item"]], [[None]], [[{}]], [[[]]])},
    "no networks": [SOUND],
    "a network without outputs": [[SOUND], []],
    "unknown kind": [[SOUND | {"kind": "chioce"}]],
    "no kind": [[SOUND | {"kind": "base"}]],
    "a number as kind": [[SOUND | {"kind": 5}]],
    "null as kind": [[SOUND | {"kind": None}]],
    "a list as kind": [[SOUND | {"kind": ["choice"]}]],
    "negative weight": [[SOUND | {"weight": -1}]],
    "weight not a number": [[SOUND | {"weight": math.nan}]],
    "label twice": [[SOUND | {"labels": ["mug", "mug"]}]],
    "no labels": [[{key: value for key, value in SOUND.items() if key != "labels"}]],
    "name twice": [[SOUND, SOUND]],  # one loss would be lost, and one answer
    "name in two networks": [[SOUND], [SOUND]],
    "column answered twice": [[SOUND], [PAIR.to_json()]],
}


@pytest.mark.parametrize("stored", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_card_describes_no_composite(stored: object) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Composite.from_json(stored)


def test_changing_every_output_keeps_the_networks() -> None:
    changed = Composite(((ITEM, BOXED), (DOMAIN,))).map_outputs(lambda output: output.with_weight(2.0))
    assert changed == Composite(((ITEM.with_weight(2.0), BOXED.with_weight(2.0)), (DOMAIN.with_weight(2.0),)))
    assert isinstance(changed.outputs[1], YesNo)
