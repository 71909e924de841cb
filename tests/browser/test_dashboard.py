"""The dashboard in a real browser, against a demo stack of its own: every page, and all that can be done there."""

from __future__ import annotations

import csv
import io
import re
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect

from tests.browser.chromium import LOAD_SECONDS, chromium, open_at, settle
from tests.browser.demo import PROJECTS, Demo, demo, example, wait_for

pytestmark = pytest.mark.e2e

PAGES = {"try": "Try it", "quality": "Quality", "monitoring": "Monitoring", "versions": "Versions"}
PARTS = {"Overview": "What they cost", "Market analysis": "Prices week by week", "Bargains": "Priced below"}
"""Of the market, with a heading that only this part has."""
EVERY = [*((name, page, "") for name in PROJECTS for page in PAGES), *(("carvision", "market", part) for part in PARTS)]
WIDE, NARROW = 1280, 390
DOWN_SECONDS, BACK_SECONDS, SERVED_SECONDS = 15, 60, 60
FIRST_PAGE_SECONDS = 6.0  # 2 s is meant, on a machine that does nothing else; the figure that was measured is printed
expect.set_options(timeout=LOAD_SECONDS * 1000)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with demo(tmp_path_factory.mktemp("browser") / "portfolio") as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@dataclass
class Watch:
    """What a browser had to say or to fetch that a visitor would not want."""

    base: str
    complaints: list[str] = field(default_factory=list)

    def console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def request(self, request: Request) -> None:
        if not re.match(rf"(http|ws)://{self.base}|data:|blob:", request.url):
            self.complaints.append(f"asks {request.url}")


@pytest.fixture
def page(browser: Browser, stack: Demo) -> Iterator[Page]:
    """A visitor's own window, wide; the test fails where the browser complains or another host is asked."""
    context = browser.new_context(viewport={"width": WIDE, "height": 900})
    opened, watch = context.new_page(), Watch(stack.url("dashboard").partition("//")[2])
    opened.on("console", watch.console)
    opened.on("pageerror", lambda error: watch.complaints.append(str(error)))
    opened.on("request", watch.request)
    yield opened
    context.close()
    assert watch.complaints == []


def address(stack: Demo, name: str = "", page: str = "", **more: str) -> str:
    said = {"model": name, "page": page} | more
    return f"{stack.url('dashboard')}/?" + "&".join(f"{key}={value}" for key, value in said.items() if value)


def title(stack: Demo, name: str) -> str:
    return str(stack.get(name, "/")["title"])


def card(page: Page, name: str) -> Locator:
    return page.locator(f".st-key-card-{name}")


def chosen(page: Page, group: str) -> Locator:
    return page.get_by_role("radiogroup", name=group, exact=True).get_by_role("radio", checked=True)


def is_whole(page: Page) -> None:
    """No exception, no error in words, nothing wider than the window."""
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.locator('[data-testid="stAlertContentError"]')).to_have_count(0)
    assert page.viewport_size is not None
    assert page.evaluate("document.scrollingElement.scrollWidth") <= page.viewport_size["width"] + 1


@pytest.mark.parametrize(("name", "which", "part"), EVERY)
def test_every_page_of_every_model_is_whole_at_both_widths(
    page: Page, stack: Demo, name: str, which: str, part: str
) -> None:
    open_at(page, address(stack, name, which, **{"market-part": part.replace(" ", "+")}))
    expect(chosen(page, "Model")).to_have_text(title(stack, name))
    expect(chosen(page, "Page")).to_have_text(PAGES.get(which, which.capitalize()))
    if part:
        expect(chosen(page, "Part")).to_have_text(part)
        expect(page.get_by_role("heading", name=PARTS[part])).to_be_visible()
    is_whole(page)
    page.set_viewport_size({"width": NARROW, "height": 844})
    settle(page)
    is_whole(page)


def test_the_first_page_tells_of_every_model_and_leads_to_it(page: Page, stack: Demo) -> None:
    open_at(page, address(stack))
    expect(page.get_by_role("status").filter(has_text="models answer")).to_have_text("3 of 3 models answer")
    for name in PROJECTS:
        shown = card(page, name)
        expect(shown.get_by_role("heading")).to_have_text(title(stack, name))
        expect(shown).to_contain_text("healthy")
        expect(shown).to_contain_text("synthetic data")
        expect(shown).to_contain_text(re.compile(r"Predictions\s*300"))
        expect(shown.get_by_role("link", name="API docs")).to_have_attribute("href", f"{stack.url(name)}/docs")
        version = stack.get(name, "/health")["model_version"]
        asked = f"/api/2.0/mlflow/model-versions/get?name={name}&version={version}"
        run = stack.get("mlflow", asked)["model_version"]["run_id"]
        address_of_run = re.compile(rf"^{stack.url('mlflow')}/#/experiments/\d+/runs/{run}$")
        expect(shown.get_by_role("link", name="MLflow")).to_have_attribute("href", address_of_run)
    is_whole(page)
    page.set_viewport_size({"width": NARROW, "height": 844})
    is_whole(page)
    card(page, "carvision").get_by_role("button", name="Market").click()
    expect(page).to_have_url(address(stack, "carvision", "market"))
    expect(chosen(page, "Page")).to_have_text("Market")


def test_back_and_forward_go_through_what_was_open(page: Page, stack: Demo) -> None:
    open_at(page, address(stack))
    card(page, "carvision").get_by_role("button", name="Quality").click()
    expect(chosen(page, "Model")).to_have_text(title(stack, "carvision"))
    page.get_by_role("radio", name=title(stack, "telecomai")).click()
    expect(chosen(page, "Model")).to_have_text(title(stack, "telecomai"))
    settle(page)
    page.go_back()
    expect(chosen(page, "Model")).to_have_text(title(stack, "carvision"))
    settle(page)
    page.go_back()
    expect(card(page, "carvision")).to_be_visible()
    settle(page)
    page.go_forward()
    expect(chosen(page, "Page")).to_have_text("Quality")


def test_an_address_that_names_nothing_leads_to_the_first_page_and_says_so(page: Page, stack: Demo) -> None:
    for name, which, word in (
        ("bankchurn", "nonsense", "has no page “nonsense”"),
        ("bankchurn", "market", "has no page “market”"),
        ("nobody", "quality", "There is no model “nobody”"),
    ):
        open_at(page, address(stack, name, which))
        expect(page.get_by_role("alert").filter(has_text=word)).to_be_visible()
        expect(card(page, "bankchurn")).to_be_visible()


def test_a_page_of_one_model_is_left_with_that_model(page: Page, stack: Demo) -> None:
    open_at(page, address(stack, "carvision", "market"))
    page.get_by_role("radio", name=title(stack, "bankchurn")).click()
    expect(chosen(page, "Page")).to_have_text("Try it")
    expect(page.get_by_role("radio", name="Market")).to_have_count(0)


def test_a_prediction_made_in_the_form_is_the_apis_own(page: Page, stack: Demo) -> None:
    open_at(page, address(stack, "carvision", "try"))
    odometer = page.get_by_role("spinbutton", name="Odometer")
    odometer.fill("123456")
    odometer.press("Enter")
    row = example(stack, "carvision") | {"odometer": 123456}
    told = stack.post("carvision", "/predict?dry_run=true", row)
    expect(page.locator(".amount")).to_contain_text(f"${told['prediction']:,.0f}")
    expect(page.locator(".amount")).to_contain_text(f"between ${told['price_low']:,.0f} and ${told['price_high']:,.0f}")


def test_a_filter_changes_the_charts_of_the_market(page: Page, stack: Demo) -> None:
    open_at(page, address(stack, "carvision", "market"))
    chart = page.get_by_role("figure", name="Adverts by price").locator(".barlayer path").first
    before, every = chart.get_attribute("d"), page.get_by_role("definition").first.inner_text()
    page.get_by_role("combobox", name="Type").click()
    page.get_by_role("option", name="SUV", exact=True).click()
    page.keyboard.press("Escape")  # its list hides all else from who reads by roles
    columns = stack.get("carvision", "/data")["columns"]
    expect(page.get_by_role("definition").first).to_have_text(f"{columns['type'].count('SUV'):,}")
    assert every == f"{len(columns['type']):,}"
    settle(page)
    assert (
        page.get_by_role("figure", name="Adverts by price").locator(".barlayer path").first.get_attribute("d") != before
    )
    assert "SUV" in page.url


def test_the_link_of_a_drift_report_leads_to_one_that_draws_itself(page: Page, stack: Demo) -> None:
    trouble: list[str] = []
    page.context.on("weberror", lambda raised: trouble.append(str(raised.error)))
    open_at(page, address(stack, "bankchurn", "monitoring"))
    with page.expect_popup() as followed:
        page.get_by_role("link", name="Open the Evidently report").click()
    report, watch = followed.value, Watch(stack.url("monitoring").partition("//")[2], trouble)
    report.on("console", watch.console)
    report.on("request", watch.request)
    expect(report.get_by_text("Dataset Drift is detected.")).to_be_visible()
    assert report.url.startswith(f"{stack.url('monitoring')}/reports/bankchurn-")
    expect(report.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    assert trouble == []


def test_a_csv_is_scored_and_its_download_has_the_apis_answers(page: Page, stack: Demo, tmp_path: Path) -> None:
    rows = [example(stack, "bankchurn") | {"Age": age, "Balance": 1000.0 * age} for age in range(18, 78)]
    written = io.StringIO()
    table = csv.DictWriter(written, list(rows[0]))
    table.writeheader()
    table.writerows(rows)
    (tmp_path / "customers.csv").write_text(written.getvalue())
    open_at(page, address(stack, "bankchurn", "try", view="A+file"))
    page.locator('input[type="file"]').set_input_files(tmp_path / "customers.csv")
    expect(page.get_by_text("60 of 60 rows scored")).to_be_visible()
    with page.expect_download() as started:
        page.get_by_role("button", name="Download the scored table").click()
    started.value.save_as(tmp_path / "scored.csv")
    scored = list(csv.DictReader((tmp_path / "scored.csv").read_text("utf-8-sig").splitlines()))
    told = stack.post("bankchurn", "/predict/batch?dry_run=true", {"instances": rows})["predictions"]
    assert [float(line["churn_probability"]) for line in scored] == pytest.approx(
        [answer["churn_probability"] for answer in told]
    )
    assert [line["risk_level"] for line in scored] == [answer["risk_level"] for answer in told]
    page.get_by_role("tab", name="One case").click()
    settle(page)
    page.get_by_role("tab", name="A file").click()
    expect(page.get_by_text("60 of 60 rows scored of customers.csv")).to_be_visible()


def test_a_service_that_stops_is_down_within_seconds_and_comes_back(page: Page, stack: Demo) -> None:
    open_at(page, address(stack))
    stack.stop("telecomai")
    stopped = time.monotonic()
    expect(card(page, "telecomai")).to_contain_text("down", timeout=DOWN_SECONDS * 1000)
    say("shown as down after", stopped)
    expect(card(page, "telecomai")).to_contain_text("does not answer")
    expect(page.get_by_text("2 of 3 models answer")).to_be_visible()
    for name in ("bankchurn", "carvision"):
        expect(card(page, name)).to_contain_text("healthy")
    for which in PAGES:
        open_at(page, address(stack, "telecomai", which))
        expect(page.get_by_test_id("stException")).to_have_count(0)
        expect(page.get_by_text("does not answer").first).to_be_visible()
    open_at(page, address(stack))
    stack.start("telecomai")
    expect(card(page, "telecomai")).to_contain_text("healthy", timeout=BACK_SECONDS * 1000)


def test_without_monitoring_the_rest_of_the_first_page_stays(page: Page, stack: Demo) -> None:
    stack.pause("monitoring")
    try:
        begun = time.monotonic()
        page.goto(address(stack), wait_until="commit")
        expect(page.locator(".links")).to_have_count(len(PROJECTS))
        say("first page while monitoring hangs after", begun)
        expect(page.get_by_role("alert").filter(has_text="Monitoring")).to_be_visible()
        say("shown to be silent after", begun)
        expect(page.get_by_text("3 of 3 models answer")).to_be_visible()
    finally:
        stack.pause("monitoring", again=True)


def act(page: Page, button: str, *, key: str, name: str = "bankchurn") -> None:
    page.get_by_role("textbox", name="Reason").fill("a browser tries it")
    page.get_by_role("textbox", name="Admin key").fill(key)
    page.get_by_role("textbox", name=f"Type {name} to confirm").fill(name)
    page.get_by_role("button", name=re.compile(f"^{button}")).click()


def test_nothing_is_promoted_without_the_key_or_with_another(page: Page, stack: Demo) -> None:
    before = stack.get("bankchurn", "/health")["model_version"]
    open_at(page, address(stack, "bankchurn", "versions"))
    act(page, "Promote version", key="")
    expect(page.get_by_text("Nothing was sent.").first).to_be_visible()
    act(page, "Promote version", key="another-key")
    expect(page.locator('[data-testid="stAlertContentError"]').first).to_be_visible()
    assert stack.get("monitoring", "/versions/bankchurn")["champion"] == before
    assert stack.get("bankchurn", "/health")["model_version"] == before


def test_promote_and_roll_back_are_served_and_the_key_stays_secret(page: Page, stack: Demo) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    open_at(page, address(stack, "bankchurn", "versions"))
    act(page, "Promote version 2", key=stack.key)
    expect(page.locator('[data-testid="stAlertContentSuccess"]')).to_contain_text("2", timeout=SERVED_SECONDS * 1000)
    assert stack.get("bankchurn", "/health")["model_version"] == "2"
    settle(page)
    page.get_by_role("radio", name="Roll back").click()
    settle(page)
    act(page, "Roll back", key=stack.key)
    wait_for(lambda: stack.get("bankchurn", "/health")["model_version"] == "1", "version 1 serves", SERVED_SECONDS)
    expect(page.locator('[data-testid="stAlertContentSuccess"]')).to_contain_text("1", timeout=SERVED_SECONDS * 1000)
    expect(page.get_by_role("textbox", name="Admin key")).to_have_value("")
    assert stack.key not in page.url
    assert [url for url in sent if stack.key in url] == []
    assert stack.key not in page.content()
    assert stack.key not in stack.logs()


def test_the_first_page_is_complete_soon_after_the_click(browser: Browser, stack: Demo) -> None:
    seconds = sorted(first_page(browser, stack) for _ in range(5))
    told = ", ".join(f"{each:.2f}" for each in seconds)
    print(f"first page: median {statistics.median(seconds):.2f} s of {told}", file=sys.stderr)  # noqa: T201
    assert statistics.median(seconds) <= FIRST_PAGE_SECONDS


def first_page(browser: Browser, stack: Demo) -> float:
    """Seconds from the address to the last card, with nothing in the browser's cache."""
    context = browser.new_context(viewport={"width": WIDE, "height": 900})
    page, begun = context.new_page(), time.monotonic()
    page.goto(address(stack), wait_until="commit")
    expect(page.locator(".links")).to_have_count(len(PROJECTS))
    taken = time.monotonic() - begun
    context.close()
    return taken


def say(what: str, begun: float) -> None:
    print(f"{what} {time.monotonic() - begun:.1f} s", file=sys.stderr)  # noqa: T201
