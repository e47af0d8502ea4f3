import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from office31_cli import storage
from office31_cli.cli.main import main
from office31_cli.registry import Card, Entry, Registry

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run `office31 models ...` in this process: its exit code, stdout and stderr."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["office31", "models", *words])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out, err

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


def publish(name: str, parent: Entry | None = None) -> Entry:
    card = Card(
        command="finetune" if parent else "pretrain",
        network={"backbone": "squeezenet1_0"},
        weights="none",
        train="head",
        items=("mug",),
        preprocessing={},
        data={"domains": ["amazon"]},
        labels_used={"amazon": 3},
        configuration={"strategy": "mcc"} if parent else {},
        environment={},
        metrics={"validation": {"item": 0.5}},
        history=[],
        seconds=1.0,
        parents=(parent.as_parent("start"),) if parent else (),
    )
    content = safetensors.numpy.save({"w": np.ones(2, np.float32)})
    return Registry().publish(card, {"model.safetensors": content}, name=name, suggested=name)


def test_list_prints_the_rows_that_the_contract_names(run: Run) -> None:
    first = publish("first")
    child = publish("child", first)
    code, out, err = run("list", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["models"] == [
        {
            "model": "child",
            "id": child.id,
            "command": "finetune",
            "parent": first.id,
            "domains": ["amazon"],
            "backbone": "squeezenet1_0",
            "target": None,
            "way": "mcc",
            "labels_used": {"amazon": 3},
            "accuracy": 0.5,
            "created": child.card.created,
            "bytes": child.bytes,
        },
        json.loads(out)["models"][1] | {"model": "first", "parent": None, "way": None},
    ]


def test_list_shows_a_table_and_warns_of_what_it_leaves_out(run: Run) -> None:
    publish("first")
    (publish("second").folder / "card.json").write_text("{")
    code, out, err = run("list")
    assert code == 0
    assert "first" in out
    assert "50.0 %" in out
    assert "second" not in out
    assert err.startswith("warning: ")


def test_an_empty_registry_lists_nothing(run: Run) -> None:
    assert json.loads(run("list", "--json")[1])["models"] == []
    assert run("tree") == (0, "", "no models are stored; make one with: office31 pretrain --domain amazon\n")
    assert run("verify")[0] == 0


def test_show_prints_the_whole_card(run: Run) -> None:
    entry = publish("first")
    shown = json.loads(run("show", entry.id[:8], "--json")[1])
    assert shown["card"]["labels_used"] == {"amazon": 3}
    assert shown["names"] == ["first"]
    assert "amazon 3" in run("show", "first")[1]


def test_an_unknown_model_is_wrong_usage_with_a_near_match(run: Run) -> None:
    publish("first")
    code, out, err = run("show", "frist")
    assert (code, out) == (2, "")
    assert err == "error: model frist: there is none; did you mean first?\n"


def test_tree_shows_descent_past_a_removed_parent(run: Run) -> None:
    first = publish("first")
    publish("child", first)
    assert run("rm", "first")[0] == 2
    assert run("rm", "first", "--force")[0] == 0
    rows = json.loads(run("tree", "--json")[1])["models"]
    assert [(row["model"], row["state"], row["depth"]) for row in rows] == [
        (None, "removed", 0),
        ("child", "stored", 1),
    ]
    out = run("tree")[1]
    assert out.index("(removed)") < out.index("child")


def test_tree_tells_apart_what_was_made_from_the_same(run: Run) -> None:
    publish("child", publish("first"))
    first, child = run("tree")[1].splitlines()
    assert first.startswith("first pretrain amazon, 50.0 %, labels: amazon 3 ")
    assert child.startswith("└── child finetune mcc, amazon, 50.0 %, labels: amazon 3 ")
    rows = json.loads(run("tree", "--json")[1])["models"]
    assert [(row["way"], row["labels_used"]) for row in rows] == [(None, {"amazon": 3}), ("mcc", {"amazon": 3})]


def test_rename_rm_and_gc(run: Run) -> None:
    entry = publish("first")
    assert run("rename", "first", "second")[0] == 0
    assert run("rename", "second", "../x")[0] == 2
    assert json.loads(run("rm", "second", "--json")[1]) == {"id": entry.id, "removed": True}
    assert json.loads(run("gc", "--json")[1])["models"] == 1
    assert Registry().entries() == []


def test_gc_forgets_interrupted_runs_only_when_told_and_never_those_at_work(run: Run, home: Path) -> None:
    for name in ("idle", "busy"):
        (home / "runs" / name / "000001").mkdir(parents=True)
        (home / "runs" / name / "000001" / "state.json").write_bytes(bytes(100))
    (home / "runs" / "part.json").write_bytes(bytes(50))
    assert json.loads(run("gc", "--json")[1])["runs"] == {"count": 3, "bytes": 250}
    assert "gc --runs" in run("gc")[1]
    with storage.hold_lock(home / "runs" / "busy.lock"):
        gone = json.loads(run("gc", "--runs", "--json")[1])
        assert (gone["runs"], gone["bytes"], gone["forgotten"]) == ({"count": 2, "bytes": 150}, 150, True)
        assert {path.name for path in (home / "runs").iterdir()} == {"busy", "busy.lock"}
    assert "1 interrupted run" in run("gc", "--runs")[1]
    assert list((home / "runs").iterdir()) == []


@pytest.mark.fault(53)
def test_verify_names_the_damaged_file_and_leaves_with_3(run: Run) -> None:
    entry = publish("first")
    assert run("verify")[0] == 0
    path = entry.folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    code, out, err = run("verify", "--json")
    assert code == 3
    assert [problem["path"] for problem in json.loads(out)["problems"]] == [str(path)]
    assert err.startswith(f"error: {path}: ")
    assert len(err.splitlines()) == 1


def test_export_and_import_bring_a_removed_model_back(run: Run, tmp_path: Path) -> None:
    entry = publish("first")
    path = tmp_path / "first.safetensors"
    assert run("export", "first", str(path))[0] == 0
    assert run("export", "first", str(path))[0] == 2
    assert run("export", "first", str(path), "--overwrite")[0] == 0
    run("rm", "first")
    assert json.loads(run("import", str(path), "--name", "again", "--json")[1])["id"] == entry.id
    assert Registry().find("again").id == entry.id


def test_a_pickle_is_not_imported(run: Run, tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(b"")
    code, _, err = run("import", str(tmp_path / "model.pt"))
    assert code == 2
    assert "--weights" in err


@pytest.mark.parametrize("command", ["list", "show", "tree", "rename", "rm", "verify", "gc", "export", "import"])
def test_every_command_has_an_example(run: Run, command: str) -> None:
    code, out, _ = run(command, "--help")
    assert code == 0
    assert f"office31 models {command}" in out


def test_listing_models_imports_no_torch() -> None:
    code = "import sys; sys.argv = ['office31', 'models', 'list']\n"
    code += "import atexit; atexit.register(lambda: print('torch' in sys.modules))\n"
    code += "from office31_cli.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
