"""The versions of the drill: good ones are trained; one is worse than the champion, one altered, one unfit."""

from __future__ import annotations

import csv
import random
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from drills.lifecycle.errors import DrillError
from drills.lifecycle.place import PROJECT, Ended, Place
from portfolio import registry
from portfolio.bundle import ANYONE, Manifest, seal, sign, verify
from portfolio.bundle.keys import require_signing_key
from portfolio.spec import ModelSpec

REGISTERED = re.compile(r"^registered: version (\d+) ", re.MULTILINE)
OFF = 1.0
"""By which the golden rows of the unfit version are wrong, in log-odds."""


@dataclass(frozen=True)
class Spoilt:
    """A version that must never serve, and what a refusal of it says."""

    number: int
    what: str
    reason: str


def train(place: Place, *arguments: str) -> tuple[int, Ended]:
    """(number in the registry, how the command ended) of a new version; the first becomes champion."""
    ended = place.command("train", PROJECT, "--quick", "--register-model", *arguments)
    found = REGISTERED.search(ended.said)
    if not found:
        raise DrillError(f"A training ended with exit code {ended.code}.", remedy=ended.said[-2000:])
    return int(found[1]), ended


def train_worse(place: Place, spec: ModelSpec) -> tuple[int, Ended]:
    """A version that learned from labels that were shuffled."""
    [data] = (place.project / "data" / "raw").iterdir()
    with data.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    labels = [row[spec.task.target] for row in rows]
    random.Random(0).shuffle(labels)
    shuffled = place.folder / "shuffled.csv"
    with shuffled.open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, rows[0])
        out.writeheader()
        out.writerows(row | {spec.task.target: label} for row, label in zip(rows, labels, strict=True))
    return train(place, "--data-path", str(shuffled))


def alter(place: Place, source: int) -> Spoilt:
    """A version signed with the right key, of whose graph one byte then changes where MLflow keeps it."""
    version = _register_copy(place, source, "altered", lambda manifest: manifest)
    [graph] = (place.folder / "mlruns" / "artifacts").glob(f"**/{version.run_id}/artifacts/bundle/model.onnx")
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.write_bytes(content)
    return Spoilt(int(version.version), "one byte of its graph was altered in the artifact store", "model.onnx")


def unfit(place: Place, source: int) -> Spoilt:
    """A version signed with the right key and whole, that scores otherwise than its golden rows say."""

    def wrong(manifest: Manifest) -> Manifest:
        golden = tuple(row.model_copy(update={"score": row.score + OFF}) for row in manifest.golden)
        return manifest.model_copy(update={"golden": golden})

    return Spoilt(int(_register_copy(place, source, "unfit", wrong).version), "its parity fails", "golden row")


def _register_copy(
    place: Place, number: int, name: str, change: Callable[[Manifest], Manifest]
) -> registry.RegisteredVersion:
    """A copy of a version's bundle, changed, sealed and signed anew, and registered as one that the gate lets pass."""
    source = registry.find_version(PROJECT, number, place.settings).bundle_version
    bundle = place.folder / f"{source}-{name}"
    shutil.copytree(place.project / "models" / source, bundle)
    manifest = change(verify(bundle, ANYONE)).model_copy(update={"version": bundle.name})
    sealed = seal(bundle, manifest)
    sign(bundle, require_signing_key(place.settings.signing_key_file))
    nothing = place.folder / "nothing"
    nothing.mkdir(exist_ok=True)
    tags = {"verdict": "promote"}
    return registry.register(place.settings, sealed, bundle=bundle, artifacts=nothing, tags=tags)
