"""What runbooks tell people to type."""

from __future__ import annotations

import re
from pathlib import Path

RUNBOOKS = Path(__file__).parents[1] / "docs" / "runbooks"


def commands(page: str, beginning: str) -> list[str]:
    """The commands of a page that begin so, perhaps after a variable, in order: in cells and on lines of their own."""
    text = (RUNBOOKS / page).read_text(encoding="utf-8")
    return re.findall(rf"(?:^    |`)((?:[A-Z_]+=\S+ )?{re.escape(beginning)}[^`\n]+)", text, re.MULTILINE)
