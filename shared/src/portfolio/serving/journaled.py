"""The journal's figures: what waits for the store, how the shipper gets on, and the disk below."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from portfolio.predictions.journal import Journal
from portfolio.predictions.segments import waiting
from portfolio.serving.board import Shipment


def metrics(journal: Journal, shipment: Shipment | None) -> Iterator[Metric]:
    """All but what the workers count; read from the files, so right while no shipper runs, too."""
    shown = shipment or Shipment()
    yield CounterMetricFamily("journal_shipped", "Predictions that the shipper has stored", shown.shipped)
    yield CounterMetricFamily("journal_torn", "Unfinished records at the ends of segments, dropped", shown.torn)
    yield CounterMetricFamily("journal_damaged", "Damaged places, put aside with their segments", shown.damaged)
    behind = waiting(journal.folder, shown.stored)
    age = max(0.0, time.time() - behind.since) if behind.since is not None else 0.0
    yield GaugeMetricFamily("journal_bytes", "Bytes of predictions that the store does not have yet", behind.bytes)
    yield GaugeMetricFamily("journal_max_bytes", "How many bytes the journal may take", journal.bound.most)
    yield GaugeMetricFamily("journal_oldest_seconds", "Age of the oldest prediction that the store does not have", age)
    if shipment:
        yield GaugeMetricFamily("journal_store_up", "1 while the store takes predictions", float(shown.reached))
    disk = shutil.disk_usage(_existing(journal.folder))
    yield GaugeMetricFamily("journal_disk_free_bytes", "Free bytes of the journal's file system", disk.free)
    yield GaugeMetricFamily("journal_disk_bytes", "Bytes of the journal's file system", disk.total)


def _existing(folder: Path) -> Path:
    """The folder, or what it would be made in."""
    return next(place for place in (folder, *folder.parents) if place.exists())
