"""Packages of other people that add to office31: small ones, made and installed as theirs would be."""

import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

METHOD = dedent(
    '''
    """Gentle: make the target's predictions a little more certain."""

    from dataclasses import dataclass

    from office31_cli.hyperparameters import hyperparameter
    from office31_cli.methods import base
    from office31_cli.methods.tent import mean_entropy


    @dataclass(frozen=True, kw_only=True)
    class Method(base.Method):
        """Entropy minimisation beside the source's labels."""

        paper = "Nobody 2026, unpublished"

        weight: float = hyperparameter(0.1, 0.01, 1.0, "of the entropy")

        def losses(self, source, target, step):
            return {"entropy": self.weight * mean_entropy(target.logits)}
    '''
).lstrip()

STRATEGY = dedent(
    '''
    """Short: pull the last layer's weights towards zero."""

    from dataclasses import dataclass

    from office31_cli.hyperparameters import hyperparameter
    from office31_cli.strategies import base


    @dataclass(frozen=True, kw_only=True)
    class Strategy(base.Strategy):
        """Weight decay of the last layer as a loss."""

        paper = "Nobody 2026, unpublished"

        weight: float = hyperparameter(0.01, 0.001, 1.0, "of the squared length")

        def losses(self, step):
            layers = step.network.last_layers()
            return {"length": self.weight * sum(layer.weight.square().sum() for layer in layers)}
    '''
).lstrip()

Points = Mapping[str, Mapping[str, str]]
"""By group and name the module that an entry point names."""


def describe(name: str, version: str, points: Points) -> dict[str, str]:
    """The files of a package's `.dist-info` folder."""
    folder = f"{name.replace('-', '_')}-{version}.dist-info"
    lines = [
        line
        for group, each in points.items()
        for line in (f"[{group}]", *(f"{point} = {module}" for point, module in each.items()))
    ]
    return {
        f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{folder}/WHEEL": "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{folder}/entry_points.txt": "\n".join([*lines, ""]),
    }


def lay_out_package(folder: Path, name: str, modules: Mapping[str, str], points: Points) -> Path:
    """As if version 1.0 of the package had been installed into the folder; its modules by the names of their files."""
    for file, text in {**modules, **describe(name, "1.0", points)}.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def install_package(folder: Path, name: str, modules: Mapping[str, str], points: Points) -> Path:
    """Make a wheel of version 1.0 of the package, and have pip install it into the folder, without a network."""
    files = {**modules, **describe(name, "1.0", points)}
    record = next(file for file in files if file.endswith("/WHEEL")).replace("WHEEL", "RECORD")
    files[record] = "".join(f"{file},,\n" for file in [*files, record])
    folder.mkdir(parents=True)
    wheel = folder.parent / f"{name.replace('-', '_')}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    options = ["--no-build-isolation", "--no-deps", "--no-index", "--disable-pip-version-check", "--quiet"]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, "--target", folder, wheel], check=True)
    return folder
