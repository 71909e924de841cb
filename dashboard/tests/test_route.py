"""An address leads to a page, and a wrong one to words."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from cockpit import plugins, route
from cockpit.address import HOME
from dashboard.tests.portfolio_of_two import opened, running

TITLES = {"apple": "Apples", "pear": "Pears"}


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that only pears have."""
    module = ModuleType("cockpit.plugins.pear")
    module.PAGES = {"market": ("Market", lambda model: None)}  # type: ignore[attr-defined]
    module.__spec__ = __spec__
    monkeypatch.setitem(sys.modules, "cockpit.plugins.pear", module)


@pytest.mark.parametrize(
    ("page", "name", "shown"),
    [
        ("", "", (HOME, "apple")),
        ("quality", "pear", ("quality", "pear")),
        ("", "pear", (route.FIRST, "pear")),
        ("quality", "", ("quality", "apple")),
        ("market", "pear", ("market", "pear")),
    ],
)
def test_an_address_names_page_and_model(page: str, name: str, shown: tuple[str, str], market: None) -> None:
    assert route.resolve(page, name, TITLES) == (*shown, "")


@pytest.mark.parametrize(
    ("page", "name", "word"),
    [
        ("nonsense", "pear", "Pears has no page “nonsense”."),
        ("market", "apple", "Apples has no page “market”."),
        ("quality", "plum", "There is no model “plum” here, or it has not answered yet."),
    ],
)
def test_an_address_that_names_nothing_leads_to_the_first_page(page: str, name: str, word: str, market: None) -> None:
    shown, _, said = route.resolve(page, name, TITLES)
    assert (shown, said) == (HOME, word)


def test_a_portfolio_without_models_says_what_is_missing() -> None:
    assert route.resolve("quality", "pear", {}) == (HOME, "", "No model is listed in PORTFOLIO_APIS.")


def test_pages_of_their_own_belong_to_one_project(market: None) -> None:
    assert list(plugins.pages_of("pear")) == ["market"]
    assert plugins.pages_of("apple") == {}
    assert plugins.pages_of("localhost:8001") == {}


def test_a_wrong_address_is_told_on_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(monkeypatch):
        page = opened(page="nonsense", model="pear")
    assert [each.value for each in page.warning] == ["The pear & co has no page “nonsense”."]


def test_what_an_address_says_is_shown_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(monkeypatch):
        page = opened(page="quality", model="![x](http://elsewhere/x.png) :red[y]")
    (shown,) = [each.value for each in page.warning]
    assert r"\!\[x\](http\://elsewhere/x.png) \:red\[y\]".replace(r"\!", "!") in shown


def test_another_model_keeps_the_page_where_it_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(monkeypatch):
        page = opened(page="quality", model="apple")
        _control(page, "model").set_value("pear").run()
    assert page.query_params["page"] == "quality"
    assert page.query_params["model"] == "pear"


def test_another_model_without_the_page_shows_its_first_one(monkeypatch: pytest.MonkeyPatch, market: None) -> None:
    with running(monkeypatch):
        page = opened(page="market", model="pear")
        _control(page, "model").set_value("apple").run()
    assert page.query_params["page"] == route.FIRST
    assert page.query_params["model"] == "apple"


def test_the_first_page_is_reached_from_every_other_and_leaves_a_short_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(monkeypatch):
        page = opened(page="quality", model="apple")
        _control(page, "page").set_value(HOME).run()
    assert not page.query_params


def _control(page, key):  # type: ignore[no-untyped-def]
    return next(each for each in page.button_group if each.key == key)
