"""Hyper-parameters of a method or a strategy: their defaults, the ranges worth trying, and what they mean."""

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any, Self

from office31_cli.errors import Misuse
from office31_cli.text import did_you_mean, printable


def hyperparameter(default: Any, low: float, high: float, meaning: str) -> Any:
    """A hyper-parameter with its default, the range worth trying, and what it means; bounds are inclusive."""
    return field(default=default, metadata={"low": low, "high": high, "meaning": meaning})


@dataclass(frozen=True, kw_only=True)
class Configurable:
    """A class whose fields, made with `hyperparameter`, are its hyper-parameters."""

    @classmethod
    def hyperparameters(cls) -> "tuple[Field[Any], ...]":
        """Its fields in order, each with `low`, `high` and `meaning` in its metadata."""
        return fields(cls)

    @classmethod
    def check_class(cls) -> None:
        """Raise `TypeError` for a class that cannot be listed and built as those of office31 are."""
        for each in fields(cls):
            if not {"low", "high", "meaning"} <= set(each.metadata):
                raise TypeError(f"{cls.__module__}: the field {each.name} is not made with hyperparameter()")
        if not isinstance(getattr(cls, "paper", None), str):
            raise TypeError(f"{cls.__module__}: the class has no paper")
        cls()

    @classmethod
    def from_text(cls, name: str, settings: Mapping[str, str | float]) -> Self:
        """An instance with the values typed after `--set`, or given as numbers; `name` is its name in messages.

        Raises `Misuse` for a setting that it does not have, or a value out of range.
        """
        known = {each.name: each for each in fields(cls)}
        configured = cls()
        for key, text in settings.items():
            if key not in known:
                raise Misuse(f"--set {printable(key)}", f"{name} has no such setting", did_you_mean(key, known))
            configured = replace(configured, **{key: parse_value(known[key], str(text))})
        return configured

    def settings(self) -> dict[str, float | int | bool]:
        """The hyper-parameters by name, as stored in a model's card."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


def parse_value(setting: "Field[Any]", text: str) -> float | int | bool:
    """A typed value as a number of the default's type; raises `Misuse` where it is none, or out of bounds."""
    low, high = setting.metadata["low"], setting.metadata["high"]
    refused = Misuse(f"--set {setting.name}={printable(text)}", "not in its range", f"use {low:g} to {high:g}")
    if isinstance(setting.default, bool):
        words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        if text.lower() not in words:
            raise Misuse(f"--set {setting.name}={printable(text)}", "neither true nor false", "use true or false")
        return words[text.lower()]
    kind, called = (int, "a whole number") if isinstance(setting.default, int) else (float, "a number")
    try:
        value: float | int = kind(text)
    except ValueError:
        raise Misuse(f"--set {setting.name}={printable(text)}", f"not {called}", f"use {low:g} to {high:g}") from None
    if not low <= value <= high:
        raise refused
    return value
