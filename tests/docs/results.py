"""Tables of measured figures, from the JSON below `results/`: `json` is what the command printed with `--json`."""

import json
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from office31_cli.data import sets
from office31_cli.data.published import rows_of_network
from tests.docs.markdown import table as markdown_table

FOLDER = Path(__file__).with_name("results")
TASKS = ("A-D", "A-W", "D-A", "D-W", "W-A", "W-D")
NETWORKS = ("features", "pixels")


def table(name: str) -> str:
    """The table of this name as Markdown, and below it the command, the day and the machine of its figures."""
    return TABLES[name]()


def _load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return loaded


def _measured(stored: dict[str, Any]) -> str:
    origin = stored["measured"]
    return f"`{stored['command']}`, measured on {origin['on']} ({origin['machine']})."


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f}"


def _with_deviation(mean: float, std: float) -> str:
    return f"{_percent(mean)} ±{_percent(std)}"


def _change(calibration: dict[str, float]) -> str:
    return f"{_percent(calibration['ece_before'])} → {_percent(calibration['ece_after'])}"


def _six_tasks() -> str:
    stored = _load("six-tasks")
    benchmark = stored["json"]
    rows = []
    for row in benchmark["rows"]:
        average = row["average"]
        mark = " †" if row["method"] in benchmark["within_noise"] else ""
        tasks = (_with_deviation(**row["tasks"][task]) for task in TASKS)
        rules = (_percent(average[rule]) for rule in ("selected", "oracle"))
        rows.append([f"`{row['method']}`", *tasks, _with_deviation(average["mean"], average["std"]) + mark, *rules])
    heads = ["%", *TASKS, "average", "selected", "oracle"]
    return f"{markdown_table(heads, rows, range(1, len(heads)))}\n\n{_measured(stored)}"


def _headline() -> str:
    """The methods that tell most, beside the published rows of a network of the same class."""
    stored = _load("six-tasks")
    by_method = {row["method"]: row for row in stored["json"]["rows"]}
    rows = []
    for method in ("erm", "dann", "shot", "mdd", "mcc", "auto"):
        row = by_method[method]
        average = _with_deviation(row["average"]["mean"], row["average"]["std"])
        rows.append([f"`{method}`", *(_percent(row["tasks"][task]["mean"]) for task in TASKS), average])
    others = _published_rows("AlexNet", "Source only", "DANN", "JAN")
    rows += ([f"*{row[0]}, AlexNet, {row[9]}*", *row[1:8]] for row in others)
    heads = ["%", *TASKS, "average"]
    return markdown_table(heads, rows, range(1, len(heads)))


def _published(backbone: str) -> str:
    """A table for each way in which the epoch was chosen and each source, the first word of which tells which it is."""
    tables = []
    for (epoch, _), rows in groupby(_published_rows(backbone), key=lambda row: (row[8], row[9].split()[0])):
        group = list(rows)
        told = markdown_table(["%", *TASKS, "average"], (row[:8] for row in group), range(1, 8))
        tables.append(f"Epoch: {epoch}. Source: {group[0][9]}.\n\n{told}")
    return "\n\n".join(tables)


def _published_rows(backbone: str, *methods: str) -> Iterator[list[str]]:
    for row in rows_of_network(sets.load("office31").published, backbone):
        if not methods or row.method in methods:
            tasks = (_percent(row.tasks[task]) for task in TASKS)
            yield [row.method, *tasks, _percent(row.average), row.selection, row.source]


def _labels() -> str:
    stored = _load("labels-webcam")
    rows = [
        [
            row["labels"],
            row["strategy"],
            f"{row['photographs']:g}",
            _with_deviation(row["mean"], row["std"]),
            _with_deviation(**row["held_out"]),
            f"{row['seconds']:.1f}",
        ]
        for row in stored["json"]["rows"]
    ]
    heads = ["labels an item", "strategy", "photographs", "rest, %", "held out, %", "seconds"]
    return f"{markdown_table(heads, rows, (0, 2, 3, 4, 5))}\n\n{_measured(stored)}"


def _outputs() -> str:
    stored = _load("outputs")
    rows = [
        [
            f"`{row['outputs']}`",
            row["width"],
            f"{row['parameters']:,}",
            *(_with_deviation(row[each], row[f"{each}_std"]) for each in ("item", "domain", "both")),
            f"{row['seconds']:.1f}",
        ]
        for row in stored["json"]["rows"]
    ]
    heads = ["outputs", "width", "weights", "item, %", "domain, %", "both, %", "seconds"]
    return f"{markdown_table(heads, rows, range(1, 7))}\n\n{_measured(stored)}"


def _optimizers(network: str) -> str:
    stored = _load("optimizers")
    by_optimizer: dict[str, list[dict[str, Any]]] = {}
    for row in stored["json"]["rows"]:
        if row["network"] == network:
            by_optimizer.setdefault(row["optimizer"], []).append(row)
    rates = [f"{row['lr']:g}" for row in next(iter(by_optimizer.values()))]
    rows = [
        [
            f"`{optimizer}`",
            *(_percent(row["item"]) for row in runs),
            f"{runs[0]['least_loss']:.3f}",
            f"{runs[0]['least_milliseconds_per_step']:.1f}",
        ]
        for optimizer, runs in by_optimizer.items()
    ]
    heads = ["optimizer", *rates, "loss", "ms"]
    return f"{markdown_table(heads, rows, range(1, len(heads)))}\n\n{_measured(stored)}"


def _optimizers_state() -> str:
    stored = _load("optimizers")
    by_optimizer = {row["optimizer"]: row for row in stored["json"]["rows"]}
    rows = [
        [f"`{optimizer}`", f"{row['state_bytes_per_parameter']:g}", f"{row['memory_ratio']:g}"]
        for optimizer, row in by_optimizer.items()
    ]
    heads = ["optimizer", "bytes of state a parameter", "parameters and state over parameters"]
    return markdown_table(heads, rows, (1, 2))


def _chapter() -> str:
    stored = _load("chapter")
    rows = []
    for row in stored["json"]["rows"]:
        book = row["textbook"]
        pairs = [_beside(_percent(row[each]), book and _percent(book[each])) for each in ("domain", "item")]
        seconds = _beside(f"{row['seconds']:g}", book and f"{book['seconds']:g}")
        rows.append([row["network"], row["optimizer"], row["epochs"], *pairs, seconds])
    heads = ["hidden layers", "optimizer", "epochs", "domain, %", "item, %", "seconds"]
    return f"{markdown_table(heads, rows, (2, 3, 4, 5))}\n\nHere / in the textbook. {_measured(stored)}"


def _beside(here: str, textbook: str | None) -> str:
    return here if textbook is None else f"{here} / {textbook}"


def _claims(name: str) -> str:
    rows = [[each["claim"], each["measured"], each["verdict"]] for each in _load(name)["json"]["claims"]]
    return markdown_table(["claim", "measured", "verdict"], rows)


def _forecast() -> str:
    stored = _load("forecast")
    rows = []
    for row in stored["json"]["rows"]:
        low, high = (f"{100 * each:.0f}" for each in row["before_interval"])
        least, most = (f"{100 * each:+.1f}" for each in row["gain_interval"])
        rows.append(
            [
                row["task"],
                f"{_percent(row['before'])} ({low} to {high})",
                _percent(row["measured_before"]),
                f"{100 * row['gain']:+.1f} ({least} to {most})",
                f"{100 * row['measured_gain']:+.1f}",
                _percent(row["after"]),
                _percent(row["measured_after"]),
            ]
        )
    heads = [
        "",
        *(f"{what}: {how}" for what in ("before", "gain of `auto`", "after") for how in ("forecast", "measured")),
    ]
    return f"{markdown_table(heads, rows, range(1, 7))}\n\n{_measured(stored)}"


def _calibration() -> str:
    stored = _load("calibration")
    by_domain: dict[str, list[dict[str, Any]]] = {}
    for row in stored["json"]["rows"]:
        by_domain.setdefault(row["trained_on"], []).append(row)
    rows = []
    for domain, scored in by_domain.items():
        first, *others = (f"{_change(row['calibration'])} ({_percent(row['conformal']['measured'])})" for row in scored)
        named = [f"{row['split'].partition(':')[0]} {text}" for row, text in zip(scored[1:], others, strict=True)]
        rows.append([f"{domain}, T = {scored[0]['calibration']['temperature']}", first, *named])
    heads = ["trained on", "its held-out set", "another camera", "another camera"]
    return f"{markdown_table(heads, rows, (1, 2, 3))}\n\n{_measured(stored)}"


def _calibration_mcc() -> str:
    stored = _load("calibration-mcc")
    rows = [
        [
            row["task"],
            _percent(row["accuracy"]),
            _change(row["calibration"]),
            _percent(row["conformal"]["measured"]),
            f"{row['conformal']['mean_size']:.2f}",
        ]
        for row in stored["json"]["rows"]
    ]
    heads = ["`adapt --method mcc`", "accuracy", "calibration error", "sets that hold the item", "items a set"]
    return f"{markdown_table(heads, rows, range(1, 5))}\n\n{_measured(stored)}"


def _calibration_methods() -> str:
    stored = _load("calibration-methods")
    rows = [
        [
            row["method"],
            _percent(row["accuracy"]),
            _change(row["calibration"]),
            _percent(row["conformal_source"]["measured"]),
            _percent(row["conformal"]["measured"]),
            f"{row['conformal']['mean_size']:.1f}",
        ]
        for row in stored["json"]["rows"]
    ]
    heads = [
        "method, mean of the six tasks",
        "accuracy",
        "calibration error",
        "sets by the source's held-out set: hold the item",
        "sets by mixed pictures: hold the item",
        "items a set",
    ]
    return f"{markdown_table(heads, rows, range(1, 6))}\n\n{_measured(stored)}"


def _label_issues() -> str:
    stored = _load("label-issues")
    rows = []
    for number, row in enumerate(stored["json"]["rows"], start=1):
        precision, recall = row["planted_found"] / row["suspected"], row["planted_found"] / row["planted"]
        rows.append(
            [number, row["suspected"], row["planted_found"], f"{100 * recall:.0f} %", f"{100 * precision:.0f} %"]
        )
    heads = ["draw", "suspected", "of the 20 planted", "recall", "precision"]
    return f"{markdown_table(heads, rows, range(5))}\n\n{_measured(stored)}"


def _growth() -> str:
    stored = _load("growth")
    rows = [[f"{row['photographs']:,}", f"{row['seconds']:.1f}", row["mebibytes"]] for row in stored["json"]["rows"]]
    heads = ["photographs", "seconds for one epoch of a head", "MiB"]
    return f"{markdown_table(heads, rows, range(3))}\n\n{_measured(stored)}"


TABLES: dict[str, Callable[[], str]] = {
    "headline": _headline,
    "six-tasks": _six_tasks,
    "published-alexnet": lambda: _published("AlexNet"),
    "published-resnet50": lambda: _published("ResNet-50"),
    "labels": _labels,
    "outputs": _outputs,
    "chapter": _chapter,
    "forecast": _forecast,
    "calibration": _calibration,
    "calibration-mcc": _calibration_mcc,
    "calibration-methods": _calibration_methods,
    "label-issues": _label_issues,
    "growth": _growth,
    "optimizers-state": _optimizers_state,
    **{f"optimizers-{network}": lambda network=network: _optimizers(network) for network in NETWORKS},
    **{f"claims-{name}": lambda name=name: _claims(name) for name in ("outputs", "optimizers", "chapter")},
}
"""By name the function that makes a table."""
