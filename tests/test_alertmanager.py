"""Alertmanager's configuration as the environment makes it, and what really arrives."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests import observers
from tests.observers import ALERTMANAGER, mailbox, program, until, webhook

MAIL = {
    "ALERT_EMAIL_TO": "ann@example.org, bob@example.org",
    "ALERT_SMTP_HOST": "mail.example.org",
    "ALERT_SMTP_FROM": "O'Hara <o@example.org>",
}
LOGIN = {"ALERT_SMTP_USER": "watch: #1", "ALERT_SMTP_PASSWORD": "it's \"a\\ $ecret"}
HOOK = {"ALERT_WEBHOOK_URL": "https://example.org/hook?token='s3cret'&x=#1"}
SECRETS = ("$ecret", "s3cret")
LOOK = 'cp "${1#--config.file=}" made.yml; ls -l "$(dirname "${1#--config.file=}")" > listed; env > environment'


def start(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", ALERTMANAGER / "start.sh", *command],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "TMPDIR": str(folder)} | environment,
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(("mail", "hook"), [(False, False), (False, True), (True, False), (True, True)])
def test_a_receiver_that_is_not_configured_is_left_out(mail: bool, hook: bool, tmp_path: Path) -> None:
    environment = (MAIL | LOGIN if mail else {}) | (HOOK if hook else {})
    done = start(tmp_path, "sh", "-c", LOOK, "look", **environment)
    assert done.returncode == 0, done.stderr
    assert ("sent nowhere" in done.stderr) == (not environment)
    nobody, people = yaml.safe_load((tmp_path / "made.yml").read_text())["receivers"]
    assert nobody == {"name": "nobody"}
    assert ("email_configs" in people, "webhook_configs" in people) == (mail, hook)
    checked = subprocess.run(
        [program("amtool"), "check-config", tmp_path / "made.yml"], check=False, capture_output=True
    )
    assert checked.returncode == 0, checked.stderr


def test_whatever_a_value_holds_arrives_as_it_is(tmp_path: Path) -> None:
    start(tmp_path, "sh", "-c", LOOK, "look", **MAIL, **LOGIN, **HOOK)
    people = yaml.safe_load((tmp_path / "made.yml").read_text())["receivers"][1]
    (mail,), (hook,) = people["email_configs"], people["webhook_configs"]
    assert mail["to"] == MAIL["ALERT_EMAIL_TO"]
    assert mail["from"] == MAIL["ALERT_SMTP_FROM"]
    assert mail["smarthost"] == "mail.example.org:587"
    assert mail["auth_username"] == LOGIN["ALERT_SMTP_USER"]
    assert mail["require_tls"] is True
    assert hook["url"] == HOOK["ALERT_WEBHOOK_URL"]
    assert Path(mail["auth_password_file"]).read_text() == LOGIN["ALERT_SMTP_PASSWORD"]


def test_secrets_are_where_only_this_user_reads_them(tmp_path: Path) -> None:
    done = start(tmp_path, "sh", "-c", LOOK, "look", **MAIL, **LOGIN, **HOOK)
    files = (tmp_path / "listed").read_text().splitlines()[1:]
    assert len(files) == 2
    assert [line[:10] for line in files] == ["-rw-------"] * 2
    environment = (tmp_path / "environment").read_text()
    assert [secret for secret in SECRETS if secret in done.stdout + done.stderr + environment] == []
    assert LOGIN["ALERT_SMTP_PASSWORD"] not in (tmp_path / "made.yml").read_text()


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"ALERT_EMAIL_TO": "ann@example.org"}, "ALERT_SMTP_HOST"),
        ({"ALERT_EMAIL_TO": "ann@example.org", "ALERT_SMTP_HOST": "mail"}, "ALERT_SMTP_FROM"),
        (MAIL | {"ALERT_SMTP_USER": "ann"}, "ALERT_SMTP_PASSWORD"),
        (MAIL | {"ALERT_EMAIL_TO": "ann@example.org\nroute: {}"}, "ALERT_EMAIL_TO"),
        ({"ALERT_WEBHOOK_URL": "s3cret"}, "ALERT_WEBHOOK_URL"),
        ({"ALERT_WEBHOOK_URL": "http://s3cret\nroute: {}"}, "ALERT_WEBHOOK_URL"),
    ],
)
def test_half_a_receiver_is_refused_by_name_without_its_value(
    environment: dict[str, str], named: str, tmp_path: Path
) -> None:
    done = start(tmp_path, "touch", "started", **environment)
    assert done.returncode == 64
    assert named in done.stderr
    assert "s3cret" not in done.stderr
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("started")]


def alert(name: str, severity: str, **labels: str) -> dict[str, object]:
    annotations = {"summary": f"{name} as it is told", "runbook": "docs/runbooks/alerts.md"}
    return {
        "labels": {"alertname": name, "severity": severity, "project": "toylate"} | labels,
        "annotations": annotations,
    }


def test_an_alert_reaches_the_webhook_and_the_mailbox_and_nothing_else_does(tmp_path: Path) -> None:
    with webhook() as hook, mailbox() as box:
        environment = (
            MAIL | LOGIN | {"ALERT_SMTP_HOST": box.address, "ALERT_SMTP_TLS": "0", "ALERT_WEBHOOK_URL": hook.address}
        )
        with observers.alertmanager(tmp_path, environment) as (address, log):
            told = [
                alert("Drift", "warning"),
                alert("Drift", "critical"),
                alert("SlowAnswers", "info"),
                alert("ApiDown", "critical", project="toycost"),
                alert("ModelNotLoaded", "critical", project="toycost"),
            ]
            observers.post(f"{address}/api/v2/alerts", told)
            until(lambda: len(hook.received) >= 2 and len(box.mails) >= 2, otherwise=log.read_text)
            status = observers.get(f"{address}/api/v2/status")["config"]["original"]
    assert {
        (each["labels"]["alertname"], each["labels"]["severity"]) for told in hook.received for each in told["alerts"]
    } == {("Drift", "critical"), ("ApiDown", "critical")}
    assert {told["groupLabels"]["project"] for told in hook.received} == {"toylate", "toycost"}
    assert set(box.recipients) == {"<ann@example.org>", "<bob@example.org>"}
    assert box.logins[0] == b"\0" + LOGIN["ALERT_SMTP_USER"].encode() + b"\0" + LOGIN["ALERT_SMTP_PASSWORD"].encode()
    assert any("Drift as it is told" in mail for mail in box.mails)
    assert [secret for secret in SECRETS if secret in log.read_text()] == []
    assert LOGIN["ALERT_SMTP_PASSWORD"] not in status  # the webhook's address is a secret to it from 0.26 on
