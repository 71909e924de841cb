"""One start of the demo, from free ports to a table of healthy services."""

from __future__ import annotations

from portfolio.bundle.keys import make_keys
from portfolio.demo.champions import get_data, sign_all, signed_otherwise, train_all, without_champion
from portfolio.demo.health import wait_for, wait_for_mlflow
from portfolio.demo.ports import check_ports
from portfolio.demo.stack import Stack, say_where
from portfolio.demo.table import show
from portfolio.settings import Settings


def run(stack: Stack, settings: Settings, *, quick: bool) -> bool:
    """The demo in the foreground, until someone stops it; returns whether all was healthy."""
    with stack.stopped_at_the_end():
        healthy = start(stack, settings, quick=quick)
        stack.console.print("Ctrl-C stops all of it.")
        return stack.stay() and healthy


def up(stack: Stack, settings: Settings, *, quick: bool) -> bool:
    """The demo in the background; returns whether all is healthy."""
    with stack.stopped_on_failure():
        healthy = start(stack, settings, quick=quick)
        stack.console.print("`make demo-down` stops all of it.")
        return healthy


def start(stack: Stack, settings: Settings, *, quick: bool) -> bool:
    """Start everything and show it; returns whether all is healthy. Raises DemoError where MLflow doesn't come up."""
    check_ports(stack.services)
    key = make_keys(settings.signing_key_file, settings.public_key_file)
    stack.start([stack.mlflow])
    get_data(stack)
    wait_for_mlflow(stack)
    modelless = train_all(stack, without_champion(stack, settings), quick=quick)
    modelless |= sign_all(stack, signed_otherwise(stack, settings, key.public.id))
    stack.start(stack.others)
    reports = wait_for(stack, stack.services, modelless=modelless)
    healthy = show(stack.console, reports)
    say_where(stack)
    return healthy
