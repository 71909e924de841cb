"""`portfolio keys`, `sign` and `verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from portfolio import registry, terminal
from portfolio.bundle import ANYONE, SIGNATURE, read_trust, verify, vouch
from portfolio.bundle.files import digests
from portfolio.bundle.keys import SigningKey, make_keys, one_line, require_signing_key, short
from portfolio.errors import ConfigError
from portfolio.promotion import flow
from portfolio.settings import Settings, read_settings
from portfolio.spec.projects import find_project, project_names

Folder = Annotated[Path, typer.Argument(metavar="PATH", help="Folder of a bundle.")]


def keys() -> None:
    """Make the keys that sign bundles, where there are none, and say how to name the public one."""

    def command() -> None:
        settings = read_settings()
        key = make_keys(settings.signing_key_file, settings.public_key_file)
        console = terminal.output()
        console.print(f"key {short(key.public.id)}")
        console.print(f"private: {settings.signing_key_file} (only where models are promoted)", markup=False)
        console.print(f"public: {settings.public_key_file}, or in the environment of a service", markup=False)
        console.print(f"BUNDLE_PUBLIC_KEY={one_line(key.public)}", markup=False)

    terminal.run(command)


def sign_bundle(
    path: Annotated[Path | None, typer.Argument(metavar="[PATH]", help="Folder of a bundle.")] = None,
    champions: Annotated[bool, typer.Option("--champions", help="The champions that this key has not signed.")] = False,
) -> None:
    """Sign a bundle on disk, or the registry's champions, once the files are whole and score as they should."""

    def command() -> None:
        if champions == bool(path):
            raise ConfigError("What is to be signed?", remedy="Name a folder, or --champions.")
        settings = read_settings()
        key = require_signing_key(settings.signing_key_file)
        if path:
            vouch(path, find_project(verify(path, ANYONE).name), key=key, trust=read_trust(settings))
            terminal.output().print(f"{path} is signed with key {short(key.public.id)}", markup=False)
        else:
            _sign_champions(key, settings.patient())

    terminal.run(command)


def verify_bundle(path: Folder) -> None:
    """Tell who signed a bundle and whether every file is as it was signed. Exit code 1: it is refused."""
    terminal.run(lambda: _verify(path, read_settings()))


def _sign_champions(key: SigningKey, settings: Settings) -> None:
    for spec in map(find_project, project_names()):
        champion = registry.champion(spec.name, settings)
        if champion and champion.signed_by != key.public.id:
            flow.promote(spec, champion.version, settings, reason="signed with the key here")
            line = f"{spec.name}: version {champion.version} is signed with key {short(key.public.id)}"
            terminal.output().print(escape(line))


def _verify(path: Path, settings: Settings) -> None:
    console, trust = terminal.output(), read_trust(settings)
    manifest = verify(path, trust)
    statement = trust.statement(path)
    for name in digests(path):
        console.print(f"  {name} ok", markup=False)
    signer = (
        f"signed with key {short(statement.key.id)}" if statement else f"without {SIGNATURE}; ALLOW_UNSIGNED is set"
    )
    console.print(f"{manifest.name} {manifest.version}: every file is as it was sealed, {signer}", markup=False)
