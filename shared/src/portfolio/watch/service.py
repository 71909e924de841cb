"""One running monitoring service: what its paths share."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from portfolio.errors import RequestRefused
from portfolio.settings import MonitoringConfig, Settings
from portfolio.watch.found import Last
from portfolio.watch.rounds import Rounds
from portfolio.watch.traffic import Traffic
from portfolio.watch.versions import Acts


@dataclass(frozen=True)
class Service:
    """Of all installed projects; `policies` by their names. `started` is on the monotonic clock."""

    policies: Mapping[str, MonitoringConfig]
    settings: Settings
    last: Last
    rounds: Rounds
    traffic: Traffic
    acts: Acts
    version: str
    started: float = field(default_factory=time.monotonic)

    def check(self, project: str) -> str:
        """Raises RequestRefused (404) for a project that is not installed."""
        if project not in self.policies:
            known = ", ".join(self.policies)
            raise RequestRefused("There is no such project.", remedy=f"Installed: {known}.", status=404)
        return project
