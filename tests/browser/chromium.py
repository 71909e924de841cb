"""The distribution's own Chromium, driven by Playwright, and when a page of the dashboard is complete."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox",  # as root, in a container
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
COMPLETE = """() => {
    const app = document.querySelector('[data-testid="stApp"]');
    const busy = ['stSpinner', 'stSkeleton', 'stAppSkeleton', 'stProgress'].map(name => `[data-testid="${name}"]`);
    const charts = [...document.querySelectorAll('[data-testid="stPlotlyChart"]')];
    return app?.dataset.testScriptState === 'notRunning'
        && !document.querySelector([...busy, '[data-stale="true"]'].join())
        && charts.every(chart => chart.querySelector('.main-svg'))
        && document.querySelector('h1, h2, h3, [data-testid="stAlert"]') !== null;
}"""
LOAD_SECONDS = 30


def find_chromium() -> str:
    """Where it is. Raises RuntimeError with what to do where there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise RuntimeError(f"No browser, no {', '.join(NAMES)} on the PATH. `make test-servers` brings one (Debian).")
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window, until the block ends."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(QUIET))
        try:
            yield browser
        finally:
            browser.close()


def settle(page: Page) -> None:
    """Wait until the page is complete: the script has run, nothing is greyed, no spinner turns, charts are drawn."""
    page.wait_for_timeout(150)  # a click reaches the server first
    page.wait_for_function(COMPLETE, timeout=LOAD_SECONDS * 1000)


def open_at(page: Page, address: str) -> None:
    """Go there and wait until the page is complete."""
    page.goto(address)
    settle(page)
