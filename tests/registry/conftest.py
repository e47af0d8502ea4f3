from pathlib import Path

import pytest

from office31_cli.registry import Entry, Registry
from tests.helpers.small_models import Publish, make_card, safetensors_bytes


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "registry")


@pytest.fixture
def publish(registry: Registry) -> Publish:
    """Publish a small model: `publish("name", parent=entry)`."""

    def publish(name: str | None = None, *, parent: Entry | None = None, into: Registry = registry) -> Entry:
        card = make_card(
            "finetune" if parent else "pretrain",
            parents=(parent.as_parent("start"),) if parent else (),
        )
        files = {"model.safetensors": safetensors_bytes(1.0, 2.0), "seen.json": b'["ab"]'}
        return into.publish(card, files, name=name, suggested="amazon-head")

    return publish
