"""What a benchmark is to compute: checked and completed before anything is loaded."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations

from office31_cli import methods as adaptation
from office31_cli.data import sets
from office31_cli.data.catalogue import DataLike
from office31_cli.data.data_set import DataSet
from office31_cli.data.published import PublishedRow, rows_of_network
from office31_cli.errors import Failed, Misuse
from office31_cli.methods.base import Method
from office31_cli.observer import SILENT, Observer
from office31_cli.recipes.benchmark.item_split import ItemPlan, plan_items
from office31_cli.text import did_you_mean, join_names, printable
from office31_cli.workflow import selection
from office31_cli.workflow.adapt_request import check_validator
from office31_cli.workflow.pools import ray
from office31_cli.workflow.request import (
    ADAPT_EPOCHS,
    ADAPT_STEPS,
    ADAPT_VIEWS,
    DEFAULT_VALIDATOR,
    DEFAULTS,
    Options,
    Request,
    build_request,
)

PLACES = ("here", "ray")

METHODS, SEEDS = ("erm", "mcc", "auto"), (0, 1, 2)


@dataclass(frozen=True)
class BenchmarkPlan:
    """A benchmark that is checked: what it computes, and where."""

    request: Request
    """The starting weights and data set of all runs; its domains are those of the tasks."""
    tasks: dict[str, tuple[str, str]]
    """Source and target by the task's name."""
    items: ItemPlan
    """Which items these hold."""
    methods: dict[str, Method]
    seeds: tuple[int, ...]
    steps: int
    views: int
    validator: str
    jobs: int | None
    """Processes to use at once; None for as many as the device can use."""
    on: str = "here"
    """`here`, in processes of this machine, or `ray`, as tasks of a Ray cluster, which knows how many."""
    published: str | None = None
    """The network whose published rows are shown beside ours."""


def plan_benchmark(
    methods: Sequence[str] = METHODS,
    *,
    seeds: Sequence[int] = SEEDS,
    tasks: Sequence[str] | None = None,
    setting: str | None = None,
    source_items: Sequence[str] | None = None,
    target_items: Sequence[str] | None = None,
    published: str | None = None,
    validator: str = DEFAULT_VALIDATOR,
    steps: int | None = None,
    views: int | None = None,
    jobs: int | None = None,
    on: str = "here",
    data: DataLike | None = None,
    backbone: str | None = None,
    weights: str | None = None,
    options: Options = DEFAULTS,
    observer: Observer = SILENT,
) -> BenchmarkPlan:
    """Check what a benchmark is to compute, and complete it; nothing is loaded or computed.

    `tasks` are ordered pairs of domains such as `A-W`, all of them unless given. `setting`, `source_items` and
    `target_items` are those of `plan_items`. `published` names the network whose
    published rows are to be shown (AlexNet, ...). `validator` picks an epoch without target labels. `steps` an epoch
    and `views` of each photograph have defaults that fit the methods. `jobs` is the number of processes, `on` is
    `here` or `ray`. Raises `Misuse` for names and numbers that make no sense, and `Failed` where the data set has fewer
    than two labelled domains.
    """
    check_validator(validator, held_out=bool(options.held_out))
    if not methods or not seeds:
        raise Misuse("benchmark", "nothing to compare", "name at least one of --methods and of --seeds")
    for option, number in (("--steps", steps), ("--jobs", jobs)):
        if number is not None and number < 1:
            raise Misuse(f"{option} {number}", "too few", "use 1 or more")
    _check_place(on, jobs)
    chosen = {name: adaptation.load(name)() for name in methods}
    views = max(ADAPT_VIEWS, *(method.views for method in chosen.values())) if views is None else views
    for name, method in chosen.items():
        if views < method.views:
            raise Misuse(f"--views {views}", f"too few for {name}", f"use {method.views} or more")
    options = options.without_resume(epochs=options.epochs or ADAPT_EPOCHS, train="head", outputs="item")
    request = build_request(
        "benchmark", ["all"], data=data, backbone=backbone, weights=weights, options=options, held_out=0.0
    )
    wanted = choose_tasks(request.data, tasks)
    domains = tuple(domain for domain in request.data.domains if any(domain in pair for pair in wanted.values()))
    items = plan_items(request.data, wanted, setting, source_items, target_items)
    if published is not None:
        _check_published(published, request.data, domains, items.setting)
    plan = BenchmarkPlan(
        request=replace(request, domains=domains),
        tasks=wanted,
        items=items,
        methods=chosen,
        seeds=tuple(seeds),
        steps=steps or ADAPT_STEPS,
        views=views,
        validator=validator,
        jobs=jobs,
        on=on,
        published=published,
    )
    selection.report_data(data, request.data, observer)
    if setting is None and items.differ and (source_items, target_items) == (None, None):
        observer.say(
            "the domains hold different items: each task is the source's items against those of them that the target "
            "shows"
        )
    if request.weights == "none" and weights != "none":  # whoever typed none knows
        observer.warn(
            f"{request.backbone} has no weights, and is frozen: heads are trained on random features; give --weights, "
            "or a --backbone that has some"
        )
    return plan


def _check_place(on: str, jobs: int | None) -> None:
    if on not in PLACES:
        raise Misuse(f"--on {printable(on)}", "no such place", did_you_mean(on, PLACES))
    if on == "ray":
        if jobs is not None:
            raise Misuse(f"--jobs {jobs}", "a Ray cluster has a job on each of its CPUs", "leave it out with --on ray")
        ray.check_ray()


def _check_published(network: str, data: DataSet, domains: Sequence[str], setting: str) -> None:
    """Raise `Misuse` where there are no published rows for a network, or they were measured on other photographs."""
    every = [sets.load(name) for name in sets.names()]
    measured = [known.title for known in every if rows_of_network(known.published, network, setting)]
    if not measured:
        networks = {row.backbone for known in every for row in known.published if row.setting == setting}
        of_setting = "" if setting == "closed" else f" of the {setting} setting"
        raise Misuse(f"--published {printable(network)}", f"no such rows{of_setting}", did_you_mean(network, networks))
    if not find_published_rows(data, domains, network, setting):
        why = f"its figures are of {join_names(measured)}, and {printable(data.name)} holds other photographs"
        raise Misuse(f"--published {printable(network)}", why, "leave it out")


def find_published_rows(
    data: DataSet, domains: Sequence[str], network: str, setting: str = "closed"
) -> list[PublishedRow]:
    """The rows that others measured with a network on the photographs of these domains; none where there are none."""
    known = sets.find_published({domain: data.photographs(domain).digests for domain in domains})
    return rows_of_network(known.published, network, setting) if known else []


def choose_tasks(data: DataSet, asked: Sequence[str] | None) -> dict[str, tuple[str, str]]:
    """Ordered pairs of labelled domains by name, `A-W` where all initials differ; without `asked` all of them.

    Case does not matter, unless names differ in nothing else. Raises `Misuse` with a near match for an unknown task,
    and `Failed` where there are fewer than two labelled domains.
    """
    domains = data.labelled_domains
    if len(domains) < 2:
        why, fix = "it has fewer than two labelled domains", "choose another"
        if data.unlabelled_domains:
            why += f" (unlabelled: {printable(join_names(data.unlabelled_domains))})"
            fix = f"try office31 adapt --target {printable(data.unlabelled_domains[0])}"
        raise Failed(f"data set {printable(data.name)}", why, fix)
    initials = [domain[0].upper() for domain in domains]
    short = dict(zip(domains, initials if len(set(initials)) == len(domains) else domains, strict=True))
    pairs = {f"{short[source]}-{short[target]}": (source, target) for source, target in permutations(domains, 2)}
    if len(pairs) < len(domains) * (len(domains) - 1):
        raise Failed(f"data set {printable(data.name)}", "two of its tasks would have one name", "rename a domain")
    lowered = {task.lower(): task for task in pairs}
    wanted = [task if task in pairs else lowered.get(task.lower(), task) for task in asked or pairs]
    for task in wanted:
        if task not in pairs:
            raise Misuse(f"task {printable(task)}", "there is none of that name", did_you_mean(task, pairs))
    return {task: pair for task, pair in pairs.items() if task in wanted}
