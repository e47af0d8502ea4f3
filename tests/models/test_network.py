import json
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from office31_cli.models.network import Architecture, Head, Network, UnitFeatures, extend_network
from office31_cli.outputs.base import Output
from office31_cli.outputs.composite import Composite
from tests.helpers.mixed_outputs import BOXED, DOMAIN, GRAMS, ITEM, PAIR, apart, joined
from tests.helpers.small_outputs import THREE

TINY = Architecture(backbone="convnet", bottleneck=8, outputs=THREE, crop=16)


def test_images_become_one_logit_an_item() -> None:
    network = Network(TINY)
    assert network(torch.rand(2, 3, 16, 16)).shape == (2, 3)
    assert network.heads[0].outputs.in_features == 8


def test_a_backbone_that_is_given_is_used() -> None:
    backbone = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert Network(TINY, [backbone]).heads[0](torch.rand(2, 3)).shape == (2, 3)


def test_only_a_features_direction_counts() -> None:
    features = torch.rand(4, 6) + 0.1
    scaled = UnitFeatures()(features)
    torch.testing.assert_close(scaled.norm(dim=1), torch.full((4,), 20.0))
    torch.testing.assert_close(UnitFeatures()(features * 7), scaled)
    torch.testing.assert_close(scaled / scaled[:, :1], features / features[:, :1])


def test_a_feature_vector_of_zeros_stays_finite() -> None:
    assert torch.isfinite(Head(6, 8, 3).eval()(torch.zeros(1, 6))).all()


def test_the_head_is_the_protocols() -> None:
    """linear, batch norm, ReLU, linear, by hand."""
    torch.manual_seed(0)
    head = Head(6, 8, 3).eval()
    features = torch.randn(5, 6)
    _, _, linear, norm, _, _ = head.bottleneck
    unit = 20 * features / features.norm(dim=1, keepdim=True)
    hidden = (unit @ linear.weight.T + linear.bias - norm.running_mean) / (norm.running_var + norm.eps).sqrt()
    expected = hidden.clamp(min=0) @ head.outputs.weight.T + head.outputs.bias
    torch.testing.assert_close(head(features), expected)


def test_an_architecture_goes_through_json() -> None:
    assert Architecture.from_json(json.loads(json.dumps(TINY.to_json()))) == TINY


@pytest.mark.parametrize("stored", [{}, {**TINY.to_json(), "outputs": "many"}, {**TINY.to_json(), "crop": None}])
def test_a_stored_architecture_that_is_none_is_an_error(stored: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Architecture.from_json(stored)


# ---- several outputs, and networks side by side

IMAGES = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def network_of(composite: Composite, seed: int = 0) -> Network:
    """A network whose batch norms have seen something, and whose parts all differ."""
    torch.manual_seed(seed)
    network = Network(replace(TINY, outputs=composite)).train()
    with torch.no_grad():
        network(torch.rand(8, 3, 16, 16))
    return network.eval()


def answering(network: Network, outputs: Composite) -> Network:
    return extend_network(network, replace(network.architecture, outputs=outputs))


def answers(network: Network) -> dict[str, Tensor]:
    """The network's numbers by output."""
    outputs = network.architecture.outputs.outputs
    with torch.no_grad():
        parts = torch.split(network.eval()(IMAGES), [output.width for output in outputs], dim=1)
    return {output.name: part for output, part in zip(outputs, parts, strict=True)}


def test_networks_side_by_side_answer_one_after_the_other() -> None:
    network = network_of(Composite(((ITEM, BOXED), (DOMAIN,), (GRAMS,))))
    assert [head.outputs.out_features for head in network.heads] == [4, 2, 1]
    found = answers(network)
    with torch.no_grad():
        first, second, third = (
            head(backbone(IMAGES)) for backbone, head in zip(network.backbones, network.heads, strict=True)
        )
    torch.testing.assert_close(torch.cat([found["item"], found["boxed"]], 1), first)
    torch.testing.assert_close(found["domain"], second)
    torch.testing.assert_close(found["grams"], third)


KEPT: dict[str, tuple[Composite, Composite, set[str]]] = {
    "one more": (joined(ITEM), joined(ITEM, DOMAIN), {"item"}),
    "one more in front": (joined(ITEM), joined(DOMAIN, GRAMS, ITEM), {"item"}),
    "one less": (joined(ITEM, DOMAIN, GRAMS), joined(ITEM, GRAMS), {"item", "grams"}),
    "in another order": (joined(ITEM, DOMAIN), joined(DOMAIN, ITEM), {"item", "domain"}),
    "with other weights": (
        joined(ITEM, DOMAIN.with_weight(0.5)),
        joined(ITEM.with_weight(2.0), DOMAIN),
        {"item", "domain"},
    ),
    "pulled apart": (joined(ITEM, DOMAIN), apart(ITEM, DOMAIN), {"item", "domain"}),
    "pulled apart the other way": (joined(ITEM, DOMAIN), apart(DOMAIN, ITEM), {"item", "domain"}),
    "one of two networks": (apart(ITEM, DOMAIN), joined(ITEM), {"item"}),
    "the other of two networks": (apart(DOMAIN, ITEM), joined(ITEM), {"item"}),
    "two networks in another order": (apart(ITEM, DOMAIN), apart(DOMAIN, ITEM), {"item", "domain"}),
    "a third network": (apart(ITEM, DOMAIN), apart(ITEM, DOMAIN, GRAMS), {"item", "domain"}),
    "two networks and more outputs": (
        apart(ITEM, DOMAIN),
        Composite(((ITEM, BOXED), (GRAMS, DOMAIN))),
        {"item", "domain"},
    ),
    "two networks made one": (apart(DOMAIN, ITEM), joined(ITEM, DOMAIN), {"item"}),
    "with a pair": (joined(PAIR, GRAMS), joined(GRAMS, PAIR, BOXED), {"pair", "grams"}),
}


@pytest.mark.parametrize(("before", "after", "kept"), KEPT.values(), ids=KEPT)
def test_what_was_answered_before_is_answered_as_before(before: Composite, after: Composite, kept: set[str]) -> None:
    network = network_of(before)
    made = answering(network, after)
    assert made.architecture == replace(network.architecture, outputs=after)
    old, new = answers(network), answers(made)
    assert list(new) == [output.name for output in after.outputs]
    for name in kept:
        torch.testing.assert_close(new[name], old[name], rtol=1e-6, atol=1e-6)


def rows(network: Network, output: Output) -> Tensor:
    """The output's rows of the last layer, with their bias."""
    for head, group in zip(network.heads, network.architecture.outputs.networks, strict=True):
        widths = [each.width for each in group]
        if output in group:
            whole = torch.cat([head.outputs.weight, head.outputs.bias[:, None]], 1).detach()
            return torch.split(whole, widths)[group.index(output)]
    raise AssertionError(f"{output.name} is not answered")


@pytest.mark.parametrize("separate", [False, True])
def test_only_what_is_new_is_drawn_afresh(separate: bool) -> None:
    network = network_of(joined(ITEM))
    after = apart(ITEM, DOMAIN) if separate else joined(ITEM, DOMAIN)
    torch.manual_seed(10)
    first = answering(network, after)
    torch.manual_seed(11)
    second = answering(network, after)
    for made in (first, second):
        assert torch.equal(rows(made, ITEM), rows(network, ITEM))
        for backbone, head in zip(made.backbones, made.heads, strict=True):  # the new network starts from the old one
            for part, origin in ((backbone, network.backbones[0]), (head.bottleneck, network.heads[0].bottleneck)):
                for name, value in origin.state_dict().items():
                    assert torch.equal(part.state_dict()[name], value)
    assert not torch.equal(rows(first, DOMAIN), rows(second, DOMAIN))
    torch.manual_seed(10)
    assert torch.equal(rows(answering(network, after), DOMAIN), rows(first, DOMAIN))


def test_nothing_in_common_still_goes_on_from_what_the_network_sees() -> None:
    network = network_of(joined(ITEM, DOMAIN))
    made = answering(network, joined(PAIR)).eval()
    with torch.no_grad():
        torch.testing.assert_close(made.backbones[0](IMAGES), network.backbones[0](IMAGES))
        seen = made.backbones[0](IMAGES)
        torch.testing.assert_close(made.heads[0].bottleneck(seen), network.heads[0].bottleneck(seen))
    assert rows(made, PAIR).shape == (6, 9)


def test_an_output_that_reads_otherwise_now_is_a_new_one() -> None:
    """Another scale gives the same numbers of the last layer another meaning."""
    network = network_of(joined(ITEM, GRAMS))
    heavier = replace(GRAMS, mean=3000.0)
    made = answering(network, joined(ITEM, heavier))
    assert torch.equal(rows(made, ITEM), rows(network, ITEM))
    assert not torch.equal(rows(made, heavier), rows(network, GRAMS))


@pytest.mark.parametrize("composite", [joined(ITEM), joined(ITEM, DOMAIN), apart(ITEM, DOMAIN), joined(PAIR)])
def test_the_same_outputs_need_no_other_network(composite: Composite) -> None:
    network = network_of(composite)
    assert answering(network, Composite(tuple(map(tuple, composite.networks)))) is network


def test_what_goes_on_leaves_what_it_came_from_alone() -> None:
    network = network_of(joined(ITEM))
    before = answers(network)["item"]
    made = answering(network, apart(ITEM, DOMAIN))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.zero_()
    assert torch.equal(answers(network)["item"], before)
    pointers = [parameter.data_ptr() for parameter in made.parameters()]
    assert len(set(pointers)) == len(pointers)  # nor do the two share anything


@pytest.mark.parametrize("composite", [joined(ITEM, DOMAIN, BOXED, GRAMS), apart(ITEM, DOMAIN), joined(PAIR)])
def test_an_architecture_of_several_outputs_goes_through_json(composite: Composite) -> None:
    architecture = replace(TINY, outputs=composite)
    assert Architecture.from_json(json.loads(json.dumps(architecture.to_json()))) == architecture


# ---- a cosine head, and layers by depth

COSINE = replace(TINY, cosine=True)


def test_a_cosine_head_goes_through_json_and_others_say_nothing_of_it() -> None:
    assert Architecture.from_json(json.loads(json.dumps(COSINE.to_json()))) == COSINE
    assert "cosine" not in TINY.to_json()


def test_a_cosine_head_weighs_directions() -> None:
    torch.manual_seed(0)
    head = Head(6, 8, 3, cosine=True).eval()
    features = torch.randn(5, 6)
    with torch.no_grad():
        hidden = head.bottleneck[:5](features)
        expected = 20 * (hidden / hidden.norm(dim=1, keepdim=True)) @ head.outputs.weight.T
        torch.testing.assert_close(head(features), expected)
    assert head.outputs.bias is None
    assert head.reinitialised_copy().outputs.bias is None


def test_a_head_becomes_a_cosine_head_and_back_with_the_weights_that_both_have() -> None:
    network = network_of(joined(ITEM))
    cosine = extend_network(network, replace(network.architecture, cosine=True))
    again = extend_network(cosine, network.architecture)
    assert cosine.architecture.cosine
    for made in (cosine, again):
        state = made.state_dict()
        for name, value in network.state_dict().items():
            if name != "heads.0.outputs.bias":
                assert torch.equal(state[name], value), name
    assert extend_network(cosine, cosine.architecture) is cosine
    assert list(cosine.state_dict()) == [name for name in network.state_dict() if name != "heads.0.outputs.bias"]


@pytest.mark.parametrize("backbone", ["convnet", "mlp", "squeezenet1_1", "resnet18", "vit_b_32", "swin_t"])
@pytest.mark.parametrize("composite", [joined(ITEM, DOMAIN), apart(ITEM, DOMAIN)])
def test_layers_hold_every_parameter_once_from_the_outputs_down(backbone: str, composite: Composite) -> None:
    crop = {"convnet": 16, "mlp": 100}.get(backbone, 64)
    network = Network(Architecture(backbone=backbone, bottleneck=8, outputs=composite, crop=crop))
    layers = [[id(value) for value in layer] for layer in network.layers()]
    assert len(layers) > 2
    found = [number for layer in layers for number in layer]
    assert len(found) == len(set(found))
    assert set(found) == {id(value) for value in network.parameters()}
    last, bottleneck = ({id(value) for head in network.heads for value in part(head).parameters()} for part in PARTS)
    assert (set(layers[0]), set(layers[1])) == (last, bottleneck)
    firsts = [next(iter(backbone.parameters())) for backbone in network.backbones]  # what sees the images
    assert {id(value) for value in firsts} <= set(layers[-1])


PARTS: tuple[Callable[[nn.Module], nn.Module], ...] = (lambda head: head.outputs, lambda head: head.bottleneck)


def test_a_head_along_directions_answers_as_before_to_what_they_span() -> None:
    torch.manual_seed(0)
    head = Head(20, 8, 3).eval()
    directions = torch.linalg.qr(torch.randn(20, 6)).Q
    features = torch.randn(5, 6)
    along = head.project_onto(directions).eval()
    torch.testing.assert_close(along(features), head(features @ directions.T))
    again = along.reinitialised_copy()
    assert again.features == 6
    assert not torch.equal(again.outputs.weight, along.outputs.weight)
    spread = again.bottleneck[2].weight.std() / Head(20, 8, 3).bottleneck[2].weight.std()
    assert 0.6 < float(spread.detach()) < 1.5


@pytest.mark.parametrize("before", [joined(ITEM), joined(DOMAIN, ITEM), apart(GRAMS, ITEM), joined(PAIR)])
def test_items_are_added_beside_the_others_whose_rows_stay(before: Composite) -> None:
    network = network_of(before)
    items = (*before.by_column()["item"].vocabulary, "zebra")
    grown = answering(network, before.with_items(items))
    assert grown.architecture.outputs.by_column()["item"].vocabulary == items
    old, new = answers(network), answers(grown)
    for output in before.outputs:
        if "item" in output.columns:
            kept = new[output.name].reshape(4, -1, len(items))[..., :-1].flatten(1)
        else:
            kept = new[output.name]
        torch.testing.assert_close(kept, old[output.name])
