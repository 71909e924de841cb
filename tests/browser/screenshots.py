"""Pictures of every page of every model at both widths: `make screenshots`, of a dashboard that runs."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Error, Locator, Page

from tests.browser.chromium import chromium, open_at, settle

WIDTHS = (1280, 390)
FOLDER = Path("reports/screenshots")
HEIGHT = 900


def main(address: str = "http://localhost:8501") -> None:
    """Write FOLDER/MODEL-PAGE-WIDTH.png, and FOLDER/MODEL-PAGE-PART-WIDTH.png of what a page shows in parts."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        page = browser.new_page(viewport={"width": WIDTHS[0], "height": HEIGHT})
        try:
            open_at(page, address)
        except Error:
            sys.exit(f"No dashboard answers at {address}: `make demo-up` starts one, ARGS=http://... names another.")
        _shoot(page, "portfolio")
        for query in _views(page):
            open_at(page, f"{address}/?{query}")
            said = parse_qs(query)
            name = f"{said['model'][0]}-{said['page'][0]}"
            _shoot(page, name)
            parts = _radios(page, "Part").or_(page.get_by_role("tab"))
            for part in parts.all()[1:]:
                part.click()
                settle(page)
                _shoot(page, f"{name}-{part.inner_text().lower().replace(' ', '-')}")


def _views(page: Page) -> list[str]:
    """What follows the question mark in the address of every page, found by clicking through them as a visitor does."""
    found = []
    _click(page, "Page", 1)
    for model in range(_radios(page, "Model").count()):
        _click(page, "Model", model)
        for number in range(1, _radios(page, "Page").count()):
            _click(page, "Page", number)
            found.append(urlsplit(page.url).query)
        _click(page, "Page", 1)
    return found


def _radios(page: Page, group: str) -> Locator:
    return page.get_by_role("radiogroup", name=group, exact=True).get_by_role("radio")


def _click(page: Page, group: str, number: int) -> None:
    _radios(page, group).nth(number).click()
    settle(page)


def _shoot(page: Page, name: str) -> None:
    """The whole page at each width, as high as it is: what scrolls inside the page is not seen otherwise."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        settle(page)
        high = page.evaluate("document.querySelector('[data-testid=\"stMain\"]').scrollHeight")
        page.set_viewport_size({"width": width, "height": max(HEIGHT, high)})
        settle(page)
        path = FOLDER / f"{name}-{width}.png"
        page.screenshot(path=path)
        print(path)  # noqa: T201
    page.set_viewport_size({"width": WIDTHS[0], "height": HEIGHT})


if __name__ == "__main__":
    main(*sys.argv[1:2])
