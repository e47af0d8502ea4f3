"""What must answer at once imports no torch, and imports between the packages point one way only."""

import ast
import json
import subprocess
import sys
from collections.abc import Container, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import office31_cli
from tests.helpers.real_command import Command
from tests.helpers.usage import WRONG

PACKAGE = Path(office31_cli.__file__).parent

ORDER = (
    "cli",
    "render",
    "recipes",
    "workflow",
    "engine",
    "strategies",
    "methods",
    "models",
    "data",
    "outputs",
    "metrics",
    "registry",
    "ground",
)
"""Every file imports from its own package and from those further right; `ground` are the files beside them."""

FRONT_DOORS = (("__init__",), ("__main__",))
"""Of the package as a whole: these lead to the recipes and to the command line."""

BASIC = ("adapt", "download", "evaluate", "finetune", "listing", "predict", "pretrain")

COMPOSITE = {
    "benchmark": BASIC,
    "compare": BASIC,
    "doctor": BASIC,
    "models": BASIC,
    "report": (*BASIC, "models"),
    "tune": (*BASIC, "benchmark"),
}
"""Commands that are made of others, each with those that it may import."""

_RUNNER = """
import contextlib, io, json, sys
from office31_cli.cli.main import main
answers = []
for words in json.load(sys.stdin):
    sys.argv = ["office31", *words]
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()):
        try:
            main()
        except SystemExit as left:
            answers.append([left.code, out.getvalue(), "torch" in sys.modules])
print(json.dumps(answers))
"""


def answers(command: Command, lines: list[list[str]]) -> list[tuple[int, str, bool]]:
    """Of each command line its exit code, its stdout, and whether torch was imported by then."""
    done = subprocess.run(
        [sys.executable, "-c", _RUNNER],
        input=json.dumps(lines),
        capture_output=True,
        text=True,
        check=True,
        env=command.environment,
    )
    return [(code, out, torch) for code, out, torch in json.loads(done.stdout)]


def test_help_listings_and_wrong_usage_do_not_wait_for_torch(drawn: Command) -> None:
    quick = [["--version"], [], ["--help"], ["compare"], ["methods"], ["methods", "--json"]]
    quick += [["models"], ["models", "list"], ["models", "tree"], ["models", "verify"]]
    lines = quick + [line.split() for line, _ in WRONG]
    found = answers(drawn, lines)
    slow = [line for line, (_, _, torch) in zip(lines, found, strict=True) if torch]
    assert slow == []
    assert [code for code, _, _ in found] == [0] * len(quick) + [2] * len(WRONG)


def test_every_command_explains_itself_with_an_example(run: Command) -> None:
    commands = ["download", "pretrain", "finetune", "adapt", "evaluate", "predict", "report", "figures"]
    commands += ["benchmark", "methods"]
    models = ["list", "show", "tree", "rename", "rm", "verify", "gc", "export", "import"]
    comparisons = ["outputs", "optimizers", "chapter"]
    lines = [[command, "--help"] for command in commands] + [["models", command, "--help"] for command in models]
    lines += [["compare", command, "--help"] for command in comparisons]
    for line, (code, out, torch) in zip(lines, answers(run, lines), strict=True):
        assert (code, torch) == (0, False)
        assert f"Example: office31 {' '.join(line[:-1])}" in out


def test_alone_the_command_lists_what_there_is_and_cuts_nothing(run: Command) -> None:
    for line in ([], ["models"], ["compare"]):
        code, out, err = run(*line, env={"COLUMNS": "80"})
        assert (code, err) == (0, "")
        assert out == run(*line, "--help", env={"COLUMNS": "80"}).out
        assert "..." not in out.partition("COMMAND [ARGS]...")[2]


def test_the_version_is_the_packages(run: Command) -> None:
    assert run("--version") == (0, f"{office31_cli.__version__}\n", "")
    assert run("--version", "models", "list").out == f"{office31_cli.__version__}\n"


def modules() -> dict[str, ast.AST]:
    """The syntax tree of every module of the package, by its dotted name below the package."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts not in FRONT_DOORS:
            found[".".join(parts).removesuffix(".__init__")] = ast.parse(path.read_bytes())
    return found


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """By module the modules of the package that it imports, inside functions too."""
    trees = modules()
    return {name: set(imported(tree, trees)) - {name} for name, tree in trees.items()}


def imported(tree: ast.AST, known: Container[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            first, _, below = name.partition(".")
            if first == office31_cli.__name__:
                yield below if below in known else below.rpartition(".")[0]


def floor(module: str) -> str:
    first = module.partition(".")[0]
    return first if (PACKAGE / first).is_dir() else "ground"


def command(module: str) -> str | None:
    """The command that a module of recipes/ belongs to; None for a module of another floor."""
    return module.split(".")[1] if floor(module) == "recipes" and "." in module else None


def test_imports_point_down(imports: dict[str, set[str]]) -> None:
    upwards = [
        f"{name} imports {below}"
        for name, others in imports.items()
        for below in others
        if ORDER.index(floor(below)) < ORDER.index(floor(name))
    ]
    assert upwards == []


def test_every_package_has_its_place_in_the_order(imports: dict[str, set[str]]) -> None:
    assert {floor(name) for name in imports} == set(ORDER)


def test_no_imports_run_in_a_circle(imports: dict[str, set[str]]) -> None:
    circles = []
    try:
        tuple(TopologicalSorter(imports).static_order())
    except CycleError as error:
        circles = error.args[1]
    assert circles == []


def test_a_basic_command_imports_no_other_command(imports: dict[str, set[str]]) -> None:
    """Composite commands may import basic ones, and those of another composite command that `COMPOSITE` lists."""
    wrong = [
        f"{name} imports {below}"
        for name, others in imports.items()
        for below in others
        if (ours := command(name)) is not None
        and (theirs := command(below)) is not None
        and ours != theirs
        and theirs not in COMPOSITE.get(ours, ())
    ]
    assert wrong == []
