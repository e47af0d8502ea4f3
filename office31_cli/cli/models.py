"""`office31 models`: what there is, where it came from, and its upkeep."""

from typing import Annotated

import typer

from office31_cli.cli.export import export, import_model
from office31_cli.cli.options import AsJson, Word
from office31_cli.errors import Refused
from office31_cli.recipes.models.gc import collect
from office31_cli.recipes.models.rows import Lineage, ModelDetails, ModelList, ModelRow, Removal, Verification
from office31_cli.registry import Registry, lineage, upkeep
from office31_cli.render import models as report
from office31_cli.render.console import Reporter
from office31_cli.text import pluralize

app = typer.Typer(help="The stored models: what there is, and where it came from.")


@app.callback(invoke_without_command=True)
def _models(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List the stored models, newest first.

    Example: office31 models list --json
    """
    registry, reporter = Registry(), Reporter(as_json=as_json)
    found = ModelList([ModelRow.of(entry) for entry in registry.entries()], registry.unreadable())
    reporter.show(found, report.render_list(found))
    for problem in found.unreadable:
        reporter.warn(f"{problem.path}: {problem.why}; left out")


@app.command()
def show(model: Word, as_json: AsJson = False) -> None:
    """Show all that is known about a model.

    Example: office31 models show amazon-resnet50
    """
    shown, reporter = ModelDetails(Registry().find(model)), Reporter(as_json=as_json)
    reporter.show(shown, report.render_model(shown, charts=reporter.is_terminal))


@app.command()
def tree(as_json: AsJson = False) -> None:
    """Show which model was made from which.

    Example: office31 models tree
    """
    found, reporter = Lineage(lineage.build_forest(Registry())), Reporter(as_json=as_json)
    reporter.show(found, *report.render_tree(found))
    if not found.roots:
        reporter.say("no models are stored; make one with: office31 pretrain --domain amazon")


@app.command()
def rename(
    model: Word, name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")], as_json: AsJson = False
) -> None:
    """Give a model another name.

    Example: office31 models rename amazon-resnet50 best
    """
    shown = ModelDetails(upkeep.rename(Registry(), model, name))
    Reporter(as_json=as_json).show(shown, report.render_renaming(shown))


@app.command("rm")
def remove(
    model: Word,
    force: Annotated[
        bool, typer.Option("--force", help="Also where others were made from it; leaves a tombstone.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put a model into the trash, where gc will find it.

    Example: office31 models rm best
    """
    gone = Removal(upkeep.remove(Registry(), model, force=force))
    Reporter(as_json=as_json).show(gone, report.render_removal(gone))


@app.command()
def verify(as_json: AsJson = False) -> None:
    """Check every stored byte; the exit code is 3 where one differs.

    Example: office31 models verify
    """
    registry = Registry()
    found = Verification(len(registry.layout.ids()), upkeep.verify(registry))
    Reporter(as_json=as_json).show(found, report.render_verification(found))
    if found.problems:
        first, others = found.problems[0], len(found.problems) - 1
        more = f" (and {pluralize(others, 'other problem')})" if others else ""
        raise Refused(
            first.path,
            first.why + more,
            "bring back a good copy, or put the model away with: office31 models rm ID",
        )


@app.command()
def gc(
    runs: Annotated[
        bool, typer.Option("--runs", help="Forget interrupted runs as well: they begin anew when repeated.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove for good what is in the trash and what dead processes left.

    Example: office31 models gc
    """
    given = collect(forget_runs=runs)
    Reporter(as_json=as_json).show(given, report.render_cleanup(given))


app.command()(export)
app.command("import")(import_model)
