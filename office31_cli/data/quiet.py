"""Keeps Pillow, and the libtiff that its wheels bring, from telling of odd pictures while this program decodes some."""

import ctypes
import functools
import logging
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import PIL

_IGNORED = ("ignore", None, Warning, re.compile(r"PIL\."), 0)
"""A filter as `warnings.filterwarnings` makes it: odd metadata harm nobody, and sizes have a limit of our own."""

_NO_HANDLER = logging.NullHandler()
"""In its place Python prints what a library logs and nobody listens to; what is wrong with a picture is raised too."""


class _Quiet:
    """What several threads share: the first that begins silences Pillow, and the last that ends gives it back.

    `warnings.catch_warnings` restores what it saved, so that of two threads one would restore the other's silence.
    """

    def __init__(self) -> None:
        self._lock, self._threads = threading.Lock(), 0
        self._handlers: list[tuple[Any, Any]] = []

    @contextmanager
    def hold(self) -> Iterator[None]:
        """A context in which Pillow neither warns, logs to stderr nor prints; afterwards all is as it was before."""
        with self._lock:
            if self._threads == 0:
                self._begin()
            self._threads += 1
        try:
            yield
        finally:
            with self._lock:
                self._threads -= 1
                if self._threads == 0:
                    self._end()

    def _begin(self) -> None:
        _filters().insert(0, _IGNORED)
        logging.getLogger("PIL").addHandler(_NO_HANDLER)
        self._handlers = [(set_handler, set_handler(None)) for set_handler in _libtiff_handlers()]

    def _end(self) -> None:
        with suppress(ValueError):  # whoever restored older filters meanwhile took it away
            _filters().remove(_IGNORED)
        logging.getLogger("PIL").removeHandler(_NO_HANDLER)
        for set_handler, previous in self._handlers:
            set_handler(previous)


def _filters() -> list[Any]:
    return cast("list[Any]", warnings.filters)


@functools.cache
def _libtiff_handlers() -> list[Any]:
    """For each libtiff of Pillow's wheels what replaces its handler of errors, and returns the one before.

    That handler prints lines to stderr that do not name the picture.
    """
    handlers = []
    for path in Path(PIL.__file__).parents[1].glob("pillow.libs/libtiff-*"):
        set_handler = ctypes.CDLL(str(path)).TIFFSetErrorHandler
        set_handler.restype, set_handler.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
        handlers.append(set_handler)
    return handlers


silence_pillow = _Quiet().hold
