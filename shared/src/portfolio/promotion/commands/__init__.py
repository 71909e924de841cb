"""The commands of promotion, in the order in which `portfolio --help` has them."""

from __future__ import annotations

import typer

from portfolio.promotion.commands import act, look
from portfolio.promotion.commands.signing import keys, sign_bundle, verify_bundle


def add_to(app: typer.Typer) -> None:
    """Give the command line those who look, those who act, and those of keys and signatures."""
    for command in (look.models, look.verdict, look.diff, look.history, act.promote, act.rollback, act.archive):
        app.command()(command)
    registered = typer.Typer(help="The registry as a whole.", no_args_is_help=True)
    registered.command("summary")(look.summary)
    app.add_typer(registered, name="registry")
    app.command()(keys)
    app.command("sign")(sign_bundle)
    app.command("verify")(verify_bundle)
