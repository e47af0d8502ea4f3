"""What must answer at once imports no torch, and imports between the packages point one way only."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

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

FRONT_DOORS = ("__init__.py", "__main__.py")
"""Of the package as a whole: these lead to the recipes and to the command line."""

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
        assert "..." not in out.split("Commands:")[1]


def test_the_version_is_the_packages(run: Command) -> None:
    assert run("--version") == (0, f"{office31_cli.__version__}\n", "")
    assert run("--version", "models", "list").out == f"{office31_cli.__version__}\n"


def modules() -> Iterator[tuple[str, str, ast.AST]]:
    """Every file of the package: its name, its layer, its syntax tree."""
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE)
        if str(name) not in FRONT_DOORS:
            yield str(name), name.parts[0] if len(name.parts) > 1 else "ground", ast.parse(path.read_bytes())


def imported(tree: ast.AST) -> Iterator[str]:
    """The layers that a file imports from, inside functions too."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            first, _, rest = name.partition(".")
            if first == office31_cli.__name__:
                layer = rest.split(".")[0]
                yield layer if (PACKAGE / layer).is_dir() else "ground"


def test_imports_point_down() -> None:
    upwards = [
        f"{name} imports {above}"
        for name, layer, tree in modules()
        for above in imported(tree)
        if ORDER.index(above) < ORDER.index(layer)
    ]
    assert upwards == []


def test_every_package_has_its_place_in_the_order() -> None:
    assert {layer for _, layer, _ in modules()} == set(ORDER)
