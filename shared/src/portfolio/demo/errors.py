"""What can keep the demo from starting."""

from __future__ import annotations

from portfolio.errors import PortfolioError


class DemoError(PortfolioError):
    """The demo can't start, or something of it did not."""

    title = "Demo not up"


class Interrupted(Exception):
    """Ctrl-C, SIGTERM or a closed terminal: whatever runs shall be stopped."""
