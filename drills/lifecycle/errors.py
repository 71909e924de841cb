"""What can keep the drill from being finished."""

from __future__ import annotations

from portfolio.errors import PortfolioError


class DrillError(PortfolioError):
    """A program of the drill did not come up, or something that was waited for did not happen."""

    title = "Drill not finished"
