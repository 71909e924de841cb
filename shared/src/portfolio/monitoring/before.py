"""The version before the live one, as a rollback would find it, and how it did while it was live."""

from __future__ import annotations

from portfolio.monitoring.live import Live
from portfolio.monitoring.performance import Performance, measure
from portfolio.monitoring.traffic import Span, read_labelled
from portfolio.promotion.audit import champions, history
from portfolio.settings import MonitoringConfig, Settings
from portfolio.store import counted


def measure_before(live: Live, span: Span, policy: MonitoringConfig, settings: Settings) -> Performance | None:
    """Its labels of a span as long as this one, up to its end, judged as those of the live version are.

    None where the audit knows of none, or no label has come for it. Raises StoreError.
    """
    lines = history(live.name, settings)
    stack = champions(lines, live.bundle, {line.to_bundle for line in lines} | {live.bundle})
    if len(stack) < 2:
        return None
    bundle = stack[-2]
    replaced = max((line.at for line in lines if line.stood and line.from_bundle == bundle), default=None)
    if replaced is None:
        return None
    then = Span(replaced - span.length, replaced)
    numbers = counted(live.name, settings, since=then.since, until=then.until)
    return measure(live, read_labelled(live, then, settings, bundle=bundle), numbers, bundle, policy)
