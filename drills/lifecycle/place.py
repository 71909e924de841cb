"""Where the drill happens: a folder with a copy of the project, keys, a registry and a store of its own."""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from drills.lifecycle.errors import DrillError
from portfolio.bundle.keys import make_keys
from portfolio.demo.ports import is_taken
from portfolio.demo.procfile import MLFLOW, Service, read_procfile
from portfolio.settings import Settings

ROOT = Path(__file__).parents[2]
PROJECT = "bankchurn"
ADMIN_KEY = "drill"
WORKERS = 2
NOT_COPIED = shutil.ignore_patterns("models", "cache", "journal", "mlruns", "raw", "tests", "__pycache__")


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    said: str


@dataclass(frozen=True)
class Place:
    """The folder, the services of its Procfile, and the environment that all of its programs see."""

    folder: Path
    mlflow: Service
    api: Service
    environment: Mapping[str, str]

    @property
    def project(self) -> Path:
        """The copy of the project."""
        return self.folder / "projects" / PROJECT

    @property
    def settings(self) -> Settings:
        """What the programs here have, for calls within this one."""
        return Settings(
            mlflow_tracking_uri=self.mlflow.address,
            mlflow_timeout_seconds=20,
            signing_key=self.environment["SIGNING_KEY"],
            bundle_public_key="",
        )

    def command(self, *arguments: str, **environment: str) -> Ended:
        """Run `portfolio` to its end."""
        done = subprocess.run(
            ["portfolio", *arguments],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        with (self.folder / "commands.log").open("a", encoding="utf-8") as log:
            log.write(f"--- portfolio {' '.join(arguments)}: exit code {done.returncode}\n{done.stdout}")
        return Ended(done.returncode, done.stdout)

    def history(self) -> list[dict[str, Any]]:
        """What the audit tells of the project, oldest first."""
        told: list[dict[str, Any]] = json.loads(self.command("history", PROJECT, "--json").said)
        return told

    def seed(self, seed: int) -> None:
        """Let the next training draw other numbers, so that it makes another model of the same rows."""
        path = self.project / "configs" / "config.yaml"
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        config["training"]["seed"] = seed
        path.write_text(yaml.safe_dump(config), encoding="utf-8")


def prepare(folder: Path, *, poll_seconds: float) -> Place:
    """Copy the project, unpack its synthetic sample as its data, make keys, find free ports."""
    shutil.copytree(ROOT / "projects" / PROJECT, folder / "projects" / PROJECT, ignore=NOT_COPIED)
    shutil.copy(ROOT / "Procfile", folder)
    services = _services_on_free_ports(folder / "Procfile")
    place = Place(folder, services[MLFLOW], services[PROJECT], _environment(folder, services, poll_seconds))
    [sample] = (place.project / "data" / "sample").iterdir()
    raw = place.project / "data" / "raw" / sample.stem
    raw.parent.mkdir()
    raw.write_bytes(gzip.decompress(sample.read_bytes()))
    make_keys(place.settings.signing_key_file, place.settings.public_key_file)
    return place


def _environment(folder: Path, services: Mapping[str, Service], poll_seconds: float) -> dict[str, str]:
    """What this machine's user has set is not for the drill; what the project's copy holds goes before the original."""
    ours = {name.upper() for name in Settings.model_fields}
    inherited = {k: v for k, v in os.environ.items() if k not in ours and not k.startswith("MLFLOW_")}
    return inherited | {
        "PATH": _joined(str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)),
        "PYTHONPATH": _joined(str(folder / "projects" / PROJECT / "src"), os.environ.get("PYTHONPATH", "")),
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "MLFLOW_TRACKING_URI": services[MLFLOW].address,
        "DATABASE_URL": f"sqlite:///{folder / 'portfolio.db'}",
        "API_ADDRESSES": f'{{"{PROJECT}": "{services[PROJECT].address}"}}',
        "SIGNING_KEY": str(folder / "keys" / "bundle.key"),
        "ADMIN_KEY": ADMIN_KEY,
        "WORKERS": str(WORKERS),
        "REGISTRY_POLL_SECONDS": f"{poll_seconds:g}",
        "DRAIN_SECONDS": "0",
        "LOG_FORMAT": "json",
    }


def _joined(*paths: str) -> str:
    return os.pathsep.join(filter(None, paths))


def _services_on_free_ports(procfile: Path) -> dict[str, Service]:
    """Those of the Procfile, moved together, and below the ports that the system gives away by itself."""
    for offset in random.Random().sample(range(12000, 24000, 10), 1200):
        services = {service.name: service for service in read_procfile(procfile, port_offset=offset)}
        if not any(is_taken(services[name].port) for name in (MLFLOW, PROJECT)):
            return services
    raise DrillError("No port from 12000 to 32000 is free.", remedy="Look at what listens there: ss -tlnp.")


def spelled(command: Sequence[str]) -> str:
    """A command as one would type it."""
    return " ".join(["portfolio", *command])
