"""What a setting or a configuration file says wrongly is told in one line, by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from portfolio.errors import ConfigError
from portfolio.settings import Config, Limits, Settings, read_config, read_settings, read_yaml


@pytest.mark.parametrize("address", ["models.example:8001", "ftp://models.example", "http://", ""])
def test_an_api_without_an_http_address_is_named(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("API_ADDRESSES", f'{{"bankchurn": "{address}", "carvision": "https://models.example"}}')
    with pytest.raises(ConfigError, match=r"^API_ADDRESSES\.bankchurn: .*https\?://.* or \.env\.$"):
        read_settings()


def test_days_that_no_run_would_take_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONITORING_DAYS", "0.0009")  # `portfolio monitor --days` begins at 0.001
    with pytest.raises(ConfigError, match=r"^MONITORING_DAYS: "):
        read_settings()


def test_settings_are_the_repositorys_wherever_in_it_a_command_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Procfile").touch()
    (tmp_path / "scripts").mkdir()
    (tmp_path / ".env").write_text("MONITORING_DAYS=3\nDATABASE_URL=sqlite:///kept/here.db\n")
    for name in ("MONITORING_DAYS", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for folder in (tmp_path, tmp_path / "scripts"):
        monkeypatch.chdir(folder)
        settings = read_settings()
        assert (settings.monitoring_days, settings.store_address) == (3, f"sqlite:///{tmp_path}/kept/here.db")


@pytest.mark.parametrize(
    "address", ["sqlite:////there/portfolio.db", "sqlite:///:memory:", "sqlite://", "postgresql://host/portfolio"]
)
def test_an_address_that_says_where_it_is_stays_as_it_is(address: str) -> None:
    assert Settings(database_url=address).store_address == address


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("port: 8001\nprot: 8002", "prot: Extra inputs are not permitted."),
        ("port: 0", "port: Input should be greater than or equal to 1."),
        ("port: 1\ntraining: {fold: 3, seed: x}", "training.seed: Input should be a valid integer"),
        (
            "port: 1\ngate: {overrides: [{rule: r, limit: 1, reason: ' '}]}",
            "gate.overrides.0.reason: String should have at least 1 character.",
        ),
        ("", "the file: Input should be a valid dictionary"),
        ("port: [", "is no YAML: while parsing"),
    ],
)
def test_a_wrong_key_of_a_configuration_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_yaml(file, Config)
    assert caught.value.detail.startswith(str(file))
    assert said in caught.value.detail
    assert "\n" not in caught.value.detail
    assert "pydantic" not in caught.value.detail


def test_every_wrong_key_is_told(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("port: 1\ntraining: {fold: 3, folds: 1}")
    with pytest.raises(ConfigError, match=r"training\.folds: .*; training\.fold: Extra"):
        read_yaml(file, Config)


def test_a_project_that_states_no_limits_of_its_own_is_judged_by_these(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("port: 1")
    policy = read_config(file).monitoring
    assert (policy.psi, policy.drifted) == (Limits(watch=0.1, act=0.2), Limits(watch=0.3, act=0.5))
    assert (policy.loss, policy.brier) == (Limits(watch=0.05, act=0.10), 0.20)
