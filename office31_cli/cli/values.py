"""What was typed, as values: lists, numbers, NAME=VALUE; raises `Misuse` where it is something else."""

from collections.abc import Sequence
from pathlib import Path

from office31_cli.data.lists import read_list
from office31_cli.errors import Misuse
from office31_cli.text import did_you_mean, printable


def check_format(form: str, known: Sequence[str], *, as_json: bool) -> str:
    """What to print in: `--format`, or json where `--json` says so; raises `Misuse` where the two differ."""
    if form not in known:
        raise Misuse(f"--format {printable(form)}", "not one of ours", did_you_mean(form, known))
    if as_json and form not in ("table", "json"):
        raise Misuse(f"--format {form}", "it says something else than --json", "leave one of them out")
    return "json" if as_json else form


def parse_assignments(texts: Sequence[str]) -> dict[str, str]:
    """What was typed after each `--set`, by name; raises `Misuse` for no NAME=VALUE, and for a name given twice."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise Misuse(f"--set {printable(text)}", "not of the form NAME=VALUE", "write --set weight=0.5")
        if name in found:
            raise Misuse(f"--set {printable(text)}", f"{printable(name)} is set already", "leave one of them out")
        found[name] = value
    return found


def parse_words(option: str, text: str, *, empty: bool = False) -> list[str]:
    """`erm,mcc` as words, each once; empty ones are left to the recipe, or out. Raises `Misuse` where none is left."""
    found = [word for word in dict.fromkeys(word.strip() for word in text.split(",")) if word or empty]
    if not found:
        raise Misuse(f"{option} {printable(text)}", "it names nothing", "write names with commas between")
    return found


def parse_numbers(option: str, text: str) -> tuple[int, ...]:
    """`0,1,2` as numbers; raises `Misuse` where it is something else."""
    digits = parse_words(option, text, empty=True)
    if not all(word.isascii() and word.isdigit() and len(word) < 10 for word in digits):
        raise Misuse(f"{option} {printable(text)}", "not a list of numbers", f"write {option} 0,1,2")
    return tuple(dict.fromkeys(map(int, digits)))


def parse_labels(text: str, *, least: int = 1) -> int | None:
    """`3` as a number, `all` as None; raises `Misuse` where it is something else, or less than `least`."""
    if text == "all":
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Misuse(f"--labels {printable(text)}", "not a number", "use all, or a number of labels an item")
    if int(text) < least:
        raise Misuse(f"--labels {text}", "too few", f"use {least} or more, or all")
    return int(text)


def read_items(option: str, path: Path | None) -> list[str] | None:
    """The names in the file that an option gives, one a line; raises `Misuse` where it cannot be read."""
    return None if path is None else [line.strip() for _, line in read_list(path, option, "name of an item")]


def choose_model(argument: str | None, option: str | None) -> str | None:
    """The model that is named, as an argument or with `--model`; raises `Misuse` where it is named twice."""
    if argument is not None and option is not None:
        raise Misuse("MODEL and --model", "the model is named twice", "leave one of them out")
    return option if argument is None else argument
