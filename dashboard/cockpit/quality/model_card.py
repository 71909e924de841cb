"""A model's card, made fit to stand inside a page."""

from __future__ import annotations

import re

HEADING = re.compile(r"^(#{1,3}) ", re.MULTILINE)
CODE = re.compile(r"(`[^`]*`)")


def rendered(card: str) -> str:
    """Headings three levels down, as the page has its own; a dollar is a dollar, not the start of a formula."""
    parts = CODE.split(HEADING.sub(r"###\1 ", card))
    return "".join(part if part.startswith("`") else part.replace("$", r"\$") for part in parts)
