"""The photographs whose labels a model and its parents have seen, recorded beside its weights by their bytes.

A score is honest only on photographs that are not among them, wherever their files lie now.
"""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from office31_cli.errors import Refused
from office31_cli.registry import Entry, strict_json
from office31_cli.registry.layout import read_small

if TYPE_CHECKING:
    from office31_cli.data.photographs import BoolArray, Photographs

FILE = "labelled.json"
"""The model's file: by domain, the first 16 hexadecimal digits of each photograph's SHA-256."""

_DIGITS = 16
"""Of a hash, those that are recorded."""

_LARGEST = 1 << 26
"""Bytes of the largest record: some millions of photographs."""

SeenLabels = dict[str, list[str]]
"""By domain the photographs' hashes."""


def record_photographs(parts: "Iterable[Photographs]") -> SeenLabels:
    """The record of these photographs, one part a domain."""
    return {part.domain: [digest[:_DIGITS] for digest in part.digests] for part in parts}


def merge(first: SeenLabels, second: SeenLabels) -> SeenLabels:
    """The photographs of both records, each once."""
    known = {domain: set(digests) for domain, digests in first.items()}
    return {
        domain: [
            *first.get(domain, []),
            *(digest for digest in second.get(domain, []) if digest not in known.get(domain, ())),
        ]
        for domain in sorted(first.keys() | second.keys())
    }


def count_labels(labels: SeenLabels) -> dict[str, int]:
    """The number of photographs whose labels were seen, by domain."""
    return {domain: len(digests) for domain, digests in labels.items()}


def encode(labels: SeenLabels) -> bytes:
    """The bytes to store."""
    return json.dumps(labels, sort_keys=True, separators=(",", ":")).encode()


def load_seen_labels(entry: Entry) -> SeenLabels:
    """The record of a stored model; raises `Refused` where it is damaged."""
    path = entry.verified_path(FILE)
    try:
        stored = strict_json.parse(read_small(path, _LARGEST), _LARGEST)
        return {str(domain): [str(digest) for digest in digests] for domain, digests in stored.items()}
    except (ValueError, AttributeError, TypeError):
        raise Refused(str(path), "it is not a record of labels", "remove the model with: office31 models rm") from None


def find_seen(photographs: "Photographs", labels: SeenLabels) -> "BoolArray":
    """Which of the photographs (n,) are in the record, under whatever domain, by their bytes."""
    import numpy as np  # 0.1 s: the rest of this module is read where nothing is computed

    known = {digest for digests in labels.values() for digest in digests}
    return np.array([digest[:_DIGITS] in known for digest in photographs.digests], dtype=np.bool_)
