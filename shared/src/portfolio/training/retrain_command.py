"""`portfolio retrain`: the report on the terminal, and an exit code to act on."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from portfolio import terminal
from portfolio.bundle.keys import require_signing_key
from portfolio.settings import Effort, read_config, read_settings
from portfolio.spec import ModelSpec
from portfolio.training.command import check_ready
from portfolio.training.flow import Order
from portfolio.training.report import render, write_report
from portfolio.training.retrain import retrain

EXIT_CODES = {"promoted": 0, "failed": terminal.FAILED, "kept": 2, "blocked": 3}
"""As `portfolio train` has them."""


def run_retraining(spec: ModelSpec, *, effort: Effort, data_path: Path | None) -> int:
    """Retrain one project, print the report and where it is; returns the exit code of what was done."""
    settings, notices = read_settings(), terminal.notices()
    require_signing_key(settings.signing_key_file)  # to promote is what it is for
    check_ready(settings, registered=True)
    done = retrain(
        spec,
        Order(datetime.now(UTC), effort, data_path),
        read_config(spec.root / "configs" / "config.yaml"),
        settings.patient(),
        lambda what, step, total: notices.print(f"{spec.name}: {what} {step}/{total}"),
    )
    page = write_report(done, spec.root / "models" / "reports")
    terminal.output().print(render(done), markup=False)
    terminal.output().print(f"report: {page}, and the same as .json", markup=False)
    return EXIT_CODES[done.outcome.state]
