"""Pages that one project has beside everyone's: `NAME.py` here, with PAGES, by the name in the address."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

from cockpit.models import Model

Pages = dict[str, tuple[str, Callable[[Model], None]]]


def pages_of(name: str) -> Pages:
    """Label and `show` of each page that the project has; empty for most."""
    module = f"{__name__}.{name}"
    if not name.isidentifier() or find_spec(module) is None:
        return {}
    found: Pages = import_module(module).PAGES
    return found
