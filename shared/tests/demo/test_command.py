"""What the commands say when there is nothing to start or nothing to stop."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from portfolio.demo import command
from portfolio.demo.groups import Group, start_time
from portfolio.demo.state import recall, remember


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Procfile").write_text("mlflow: sleep 60 --port 45000\nbankchurn: sleep 60 --port 48001\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def running(root: Path) -> Iterator[Group]:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as program:
        group = Group("mlflow", program.pid, start_time(program.pid), 45000)
        remember(root, [group])
        yield group
        program.kill()


def test_down_stops_what_runs_and_says_what(root: Path, running: Group, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        command.down()
    assert "stopped: mlflow" in capsys.readouterr().out
    assert recall(root) == ()


def test_down_is_content_where_nothing_runs(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        command.down()
    assert "The demo is not running." in capsys.readouterr().out


def test_a_second_up_says_so_shows_the_table_and_tells_what_is_sick(
    root: Path, running: Group, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="1"):
        command.up()
    out = capsys.readouterr().out
    assert "The demo is up already." in out
    assert "http://localhost:45000" in out
    assert "not healthy" in out
    assert str(root / ".demo" / "logs" / "bankchurn.log") in out
    assert recall(root) == (running,)


def test_a_run_beside_a_running_demo_is_refused(running: Group, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="1"):
        command.run()
    assert "The demo is up already (mlflow). Stop it first: make demo-down" in capsys.readouterr().err


def test_containers_are_shown_in_the_same_table_with_the_way_to_their_log(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.table(["telecom-api=8003=http://127.0.0.1:9"])
    assert ended.value.code == 1
    shown = capsys.readouterr().out
    assert "http://localhost:8003" in shown
    assert "telecom-api does not answer; log: docker logs telecom-api" in shown
