"""What holds of every format that a network's graph is exported in, and of the graph itself."""

import functools
import importlib.util
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import office31_cli
from office31_cli.errors import Failed, Misuse
from office31_cli.models import formats
from office31_cli.models.formats.base import Format
from office31_cli.models.network import Architecture, Network
from office31_cli.models.preprocessing import Preprocessing
from office31_cli.models.program import Graph, trace_network
from office31_cli.outputs.choice import Kind as Choice
from office31_cli.outputs.composite import Composite
from tests.helpers.mixed_outputs import BOXED, DOMAIN, GRAMS, ITEM, PAIR, apart, joined

NAMES = formats.FOLDER.names()
PREPROCESSING = Preprocessing(side=20, crop=16, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))
EVERY = joined(ITEM, DOMAIN, BOXED, GRAMS)
NOTES = {"office31.items": json.dumps(["vélo", "a\nb"], ensure_ascii=False), "office31.model": "x"}


@pytest.fixture(params=NAMES)
def form(request: pytest.FixtureRequest) -> Format:
    """Every format whose libraries are here."""
    found = formats.load(request.param)
    for module in found.requires:
        pytest.importorskip(module, reason=f"the extra {found.name} is not installed")
    return found


def built(outputs: Composite = EVERY, *, bottleneck: int = 8) -> Network:
    torch.manual_seed(0)
    network = Network(Architecture(backbone="convnet", bottleneck=bottleneck, crop=16, outputs=outputs))
    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):  # statistics of their own, as after training
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return network.eval()


def images(count: int) -> np.ndarray:
    return np.random.default_rng(count).normal(size=(count, 3, 16, 16)).astype(np.float32)


def expected(network: Network, given: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    with torch.no_grad():
        logits = network(torch.from_numpy(given))
    return logits.numpy(), network.architecture.outputs.decode_array(logits.double().numpy())


def check(answers: dict[str, np.ndarray], network: Network, given: np.ndarray) -> None:
    logits, by_column = expected(network, given)
    assert list(answers) == ["logits", *by_column]
    np.testing.assert_allclose(answers["logits"], logits, atol=1e-5)
    for column, values in by_column.items():
        np.testing.assert_allclose(answers[column], values, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_every_file_is_a_format_that_says_what_it_is(name: str) -> None:
    made = formats.load(name)
    assert made.name == name
    assert re.fullmatch(r"[\w.]+: .+[^ ]", formats.FOLDER.summary(name))
    assert made.library


def test_loading_every_format_imports_no_torch() -> None:
    code = (
        "import sys; from office31_cli.models import formats as f\n"
        "for name in f.FOLDER.names(): f.load(name).check(None)\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "outputs",
    [EVERY, joined(PAIR), apart(ITEM, DOMAIN), Composite(((ITEM, GRAMS), (DOMAIN,)))],
    ids=["joined", "pair", "apart", "both"],
)
def test_a_file_answers_as_the_network_for_any_number_of_images(form: Format, outputs: Composite) -> None:
    network = built(outputs)
    run = form.run(form.write(trace_network(network, PREPROCESSING), {}, None))
    for count in (1, 2, 7):
        check(run(images(count)), network, images(count))


def test_a_network_without_a_bottleneck_is_exported_as_well(form: Format) -> None:
    network = built(bottleneck=0)
    check(form.run(form.write(trace_network(network, PREPROCESSING), {}, None))(images(3)), network, images(3))


def test_with_preprocessing_inside_it_takes_pictures_of_any_size(form: Format) -> None:
    network, random = built(), np.random.default_rng(1)
    run = form.run(form.write(trace_network(network, PREPROCESSING, inside=True), {}, None))
    for size in ((20, 20), (31, 64), (70, 21), (7, 5), (1, 1)):
        pictures = random.integers(0, 256, (3, *size, 3), dtype=np.uint8)
        squashed = np.stack([squash(picture) for picture in pictures])
        check(run(pictures), network, PREPROCESSING.centre_crop(torch.from_numpy(squashed)).contiguous().numpy())
        np.testing.assert_allclose(run(pictures[:1])["logits"], run(pictures)["logits"][:1], atol=1e-5)


def squash(picture: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).resize((20, 20), Image.Resampling.BILINEAR))


def test_the_items_probabilities_are_at_the_temperature_and_nothing_else_is(form: Format) -> None:
    network = built()
    run = form.run(form.write(trace_network(network, PREPROCESSING, temperature=2.5), {}, None))
    answers, (logits, plain) = run(images(4)), expected(network, images(4))
    powers = np.exp(logits[:, :3].astype(np.float64) / 2.5)
    np.testing.assert_allclose(answers["item"], powers / powers.sum(1, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(answers["domain"], plain["domain"], rtol=1e-5)
    np.testing.assert_allclose(answers["logits"], logits, atol=1e-5)


def test_a_graph_says_what_goes_in_and_what_comes_out() -> None:
    graph = trace_network(built(), PREPROCESSING, inside=True, temperature=2.5)
    assert (graph.input.name, graph.input.type, graph.input.shape) == ("pictures", "uint8", ("n", "height", "width", 3))
    told = {end.name: end for end in graph.outputs}
    assert {name: end.shape for name, end in told.items()} == {
        "logits": ("n", 7),
        "item": ("n", 3),
        "domain": ("n", 2),
        "boxed": ("n",),
        "grams": ("n",),
    }
    assert told["logits"].meaning.endswith("3 of item, 2 of domain, 1 of boxed, 1 of grams")
    assert told["item"].labels == ITEM.labels
    assert "temperature 2.5" in told["item"].meaning
    assert "temperature" not in told["domain"].meaning
    assert trace_network(built(), PREPROCESSING).input.shape == ("n", 3, 16, 16)


def test_names_that_the_graph_has_for_parts_of_its_own_harm_nothing(form: Format) -> None:
    names = ("logits", "images", "relu", "linear", "conv2d", "heads.0.outputs.weight", "[red] pén\n", "'\"\\")
    columns = [Choice(name=name, labels=("x", "y")) for name in names]
    network = built(joined(ITEM, *columns))
    graph = trace_network(network, PREPROCESSING)
    assert (graph.input.name, graph.outputs[0].name) == ("images_", "logits_")
    answers = form.run(form.write(graph, {}, None))(images(2))
    logits, by_column = expected(network, images(2))
    assert list(answers) == ["logits_", "item", *names]
    np.testing.assert_allclose(answers["logits_"], logits, atol=1e-5)
    for name in ("item", *names):
        np.testing.assert_allclose(answers[name], by_column[name], rtol=1e-5)


@functools.cache
def written(name: str) -> tuple[Graph, bytes]:
    return write(formats.load(name))


def write(form: Format) -> tuple[Graph, bytes]:
    graph = trace_network(built(), PREPROCESSING, inside=True)
    return graph, form.write(graph, NOTES, None)


def test_a_file_tells_nothing_of_where_it_was_made_and_is_the_same_each_time(form: Format) -> None:
    _, content = written(form.name)
    for path in (office31_cli.__file__, torch.__file__, __file__, sys.prefix):
        assert str(Path(path).parent).encode() not in content
    assert write(form)[1] == content


def test_notes_travel_in_pt2() -> None:
    found = dict.fromkeys(NOTES, "")
    torch.export.load(io.BytesIO(written("pt2")[1]), extra_files=found)
    assert found == NOTES


def test_notes_and_names_travel_in_onnx() -> None:
    onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
    graph, content = written("onnx")
    model = onnx.load_from_string(content)
    onnx.checker.check_model(model)
    assert {each.key: each.value for each in model.metadata_props} == NOTES
    (given,) = model.graph.input
    assert given.name == "pictures"
    lengths = [axis.dim_param or axis.dim_value for axis in given.type.tensor_type.shape.dim]
    assert tuple(lengths) == graph.input.shape
    assert [each.name for each in model.graph.output] == [end.name for end in graph.outputs]


@pytest.mark.parametrize("opset", [18, 21])
def test_an_older_set_of_operators_answers_the_same(opset: int) -> None:
    onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
    form, network = formats.load("onnx"), built()
    content = form.write(trace_network(network, PREPROCESSING), {}, opset)
    assert [each.version for each in onnx.load_from_string(content).opset_import if each.domain == ""] == [opset]
    check(form.run(content)(images(2)), network, images(2))


def test_what_cannot_be_asked_for_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    onnx, pt2 = formats.load("onnx"), formats.load("pt2")
    with pytest.raises(Misuse, match="--opset 17: onnx has no such version; use 18 to"):
        onnx.check(17)
    with pytest.raises(Misuse, match="--opset 18: pt2 has no such version; leave it out"):
        pt2.check(18)
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxscript" else find_spec(name))
    pt2.check(None)
    with pytest.raises(Failed, match=r"onnxscript is not installed; run: pip install 'office31-cli\[onnx\]'"):
        onnx.check(None)


def test_weights_that_one_file_cannot_hold_are_refused_before_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    from office31_cli.models.formats import onnx

    monkeypatch.setattr(onnx, "_LARGEST", 1000)
    with pytest.raises(Failed, match="use --format pt2"):
        onnx.Format().write(trace_network(built(), PREPROCESSING), {}, None)
