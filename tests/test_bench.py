"""The bench's parts: what it takes for a valid round, how it compares, and what it calls reached."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from bench import tree
from bench.apps import echo, typed, uncounted
from bench.figures import Spread, order, ratio
from bench.footprint import Footprint
from bench.goals import Goal, footprint_goals, journal_goals, scoring_goals, serving_goals
from bench.journal import KEEPING, KEEPING_NOTHING
from bench.load import Round, read, require_wrk
from bench.report import Results, render
from bench.rows import generate
from bench.scoring import Batch, Scored
from bench.servers import Server, encode, servers, v2
from bench.serving import Effort, Measured, check
from portfolio.errors import PortfolioError
from portfolio.spec import Column

ROW = {"Age": 44, "Balance": 10.5, "Geography": "Germany"}
CUSTOMER = ROW | {
    "CreditScore": 650,
    "Gender": "Male",
    "NumOfProducts": 1,
    "HasCrCard": 1,
    "IsActiveMember": 0,
    "EstimatedSalary": 9.5,
}
FIGURES = '{"requests": 200, "seconds": 2.0, %s "p50": 0.001, "p99": 0.004}'
OUTPUT = f"Running 1s test\n  1 threads\n{FIGURES}\nTransfer/sec: 1KB\n"


def wrk(*, refused: int = 0, broken: int = 0, late: int = 0) -> str:
    return OUTPUT % f'"refused": {refused}, "broken": {broken}, "late": {late},'


def test_a_round_is_read_from_the_load_generators_output() -> None:
    assert read("x", wrk()) == Round(throughput=100.0, p50=0.001, p99=0.004)


@pytest.mark.parametrize("wrong", [{"refused": 1}, {"broken": 2}, {"late": 3}])
def test_a_round_with_an_answer_that_is_not_2xx_or_lost_is_void(wrong: dict[str, int]) -> None:
    with pytest.raises(PortfolioError, match=f"peer: a round is void: {next(iter(wrong.values()))} "):
        read("peer", wrk(**wrong))


def test_a_round_without_answers_is_void() -> None:
    with pytest.raises(PortfolioError, match="no answer at all"):
        read("peer", wrk().replace('"requests": 200', '"requests": 0'))


def test_without_wrk_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PortfolioError) as refused:
        require_wrk()
    assert refused.value.remedy == "apt-get install wrk"


def test_without_wrk_the_command_ends_with_that_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick"],
        env={**os.environ, "PATH": str(tmp_path)},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["error: wrk, the load generator, is not installed. apt-get install wrk"]


def test_a_ratio_is_the_median_of_the_rounds_quotients() -> None:
    assert ratio([10, 20, 90], [10, 10, 30]) == Spread(median=2, low=1, high=3)


def test_figures_of_different_numbers_of_rounds_are_not_compared() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratio([1, 2], [1])


def test_every_round_has_all_of_them_in_another_order() -> None:
    turns = [order(3, turn) for turn in range(6)]
    assert all(sorted(turn) == [0, 1, 2] for turn in turns)
    assert len({tuple(turn) for turn in turns}) == 6


@pytest.mark.parametrize(
    ("goal", "reached"),
    [
        (Goal("a ratio", 2, Spread(2, 1, 3)), True),
        (Goal("a ratio", 2, Spread(1.99, 1, 30)), False),
        (Goal("a memory", 130, Spread(130, 0, 200), most=True), True),
        (Goal("a memory", 130, Spread(131, 0, 200), most=True), False),
        (Goal("not a number", 130, Spread(float("nan"), 0, 200), most=True), False),
        (Goal("not measured", 1, None), False),
    ],
)
def test_a_goal_is_reached_by_the_median_alone(goal: Goal, *, reached: bool) -> None:
    assert goal.reached is reached


def measured(throughputs: dict[str, float]) -> list[Measured]:
    def one(server: Server) -> Measured:
        rounds = [Round(throughputs.get(server.name, 1.0), 0.001, 0.002)] * 2
        return Measured(server, {1: rounds, 16: rounds}, memory=10**8, ready_seconds=1.0, difference=1e-7)

    return [one(server) for server in servers()]


def test_the_goals_compare_with_the_fastest_of_the_peers() -> None:
    goals = serving_goals(measured({"/predict": 100, "LitServe, batched": 4, "BentoML": 10}))
    found = {goal.what: goal for goal in goals}
    batching = found["throughput, c = 16, beside the best batching peer (LitServe, batched)"]
    best = found["throughput, c = 1, beside the best peer (BentoML)"]
    assert (batching.measured, batching.reached) == (Spread(25, 25, 25), True)
    assert (best.measured, best.reached) == (Spread(10, 10, 10), False)


@pytest.mark.parametrize(("kept", "reached"), [(90, True), (89, False)])
def test_keeping_predictions_may_cost_a_tenth(kept: float, *, reached: bool) -> None:
    rounds = {name: [Round(throughput, 0.001, 0.002)] for name, throughput in ((KEEPING, kept), (KEEPING_NOTHING, 100))}
    pair = [
        Measured(replace(servers()[0], name=name), {16: each}, memory=1, ready_seconds=1.0, difference=0.0)
        for name, each in rounds.items()
    ]
    (goal,) = journal_goals(pair)
    assert goal.reached is reached


SCORED = Scored(
    sizes=Batch(rows=1000, rounds=1, many=5000),
    cores=2,
    ours=[2.0],
    ours_stages=[{"read": 0.5, "model": 2.0}],
    reference=[8.0],
    reference_stages=[{"read": 1.0, "model": 3.0}],
    trees=[500.0],
    memory=10**9,
    memory_seconds=5.0,
)
HELD = Footprint(worker_bytes=[90e6], worker_seconds=[1.0], service_bytes=[200e6], service_seconds=[3.5])


def test_the_model_is_taken_out_of_both_sides_of_a_batch() -> None:
    whole, rest, model, memory = (goal.measured for goal in scoring_goals(SCORED))
    assert whole == Spread(4, 4, 4)
    assert rest == Spread(5, 5, 5)  # 8 - 3 seconds beside 2 - 2/2
    assert model == Spread(2, 2, 2)  # 1000 rows in a second of two cores, beside 500
    assert memory == Spread(1000, 1000, 1000)


def test_the_page_says_of_each_goal_whether_it_was_reached() -> None:
    goals = [*serving_goals(measured({"/predict": 10})), *scoring_goals(SCORED), *footprint_goals(HELD)]
    results = Results(
        conditions={"processor": "a slow one"},
        effort=Effort(rounds=2, seconds=1),
        quick=False,
        difference=1e-7,
        goals=goals,
        serving=measured({"/predict": 10}),
        stages={"validate": {1: 2.0, 16: 1.0}},
        scored=SCORED,
        footprint=HELD,
    )
    page = render(results, warm=1)
    assert "| the service ready after its start | <= 3 s | 3.5 s | NOT reached |" in page
    assert "| CSV to CSV beside pandas and scikit-learn | >= 2 x | 4 x | reached |" in page
    assert "| processor | a slow one |" in page
    assert "quick" not in page
    assert all(one.server.how in page for one in measured({}))


def test_a_quick_page_says_so() -> None:
    page = render(Results({}, Effort(1, 1), quick=True, difference=0), warm=1)
    assert "A quick run, for trying out" in page


def test_a_row_in_the_v2_protocol_is_a_tensor_for_each_field() -> None:
    body = v2(ROW)
    kinds = {tensor["name"]: (tensor["datatype"], tensor["data"]) for tensor in body["inputs"]}
    assert kinds == {"Age": ("INT64", [44]), "Balance": ("FP64", [10.5]), "Geography": ("BYTES", ["Germany"])}


def test_every_server_is_asked_about_the_same_row() -> None:
    assert all("Germany" in encode(server, ROW).decode() for server in servers())
    assert len({server.name for server in servers()}) == len(servers())


class Known:
    rows = ({"x": None}, {"x": 1.0})


def answering(url_answer: float, truth: float) -> Server:
    return Server(
        "a peer",
        "peer",
        (),
        "/",
        lambda row: row,
        lambda answer: float(answer["p"]) + url_answer,
        lambda _, __: truth,
    )


class Answer:
    is_success = True
    status_code, text = 200, ""

    def json(self) -> dict[str, float]:
        return {"p": 0.0}


class Refusal(Answer):
    is_success = False
    status_code, text = 503, "overloaded"


def test_a_server_that_answers_another_probability_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.serving.httpx2.post", lambda *_, **__: Answer())
    assert check(answering(0.5, 0.50005), Known(), "http://x") == pytest.approx(0.00005)  # type: ignore[arg-type]
    with pytest.raises(PortfolioError, match=r"a peer answers 0\.001 off"):
        check(answering(0.5, 0.501), Known(), "http://x")  # type: ignore[arg-type]


def test_a_server_that_refuses_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.serving.httpx2.post", lambda *_, **__: Refusal())
    with pytest.raises(PortfolioError, match="a peer answered 503: overloaded"):
        check(answering(0.5, 0.5), Known(), "http://x")  # type: ignore[arg-type]


def test_generated_rows_are_drawn_from_the_data_and_are_the_same_each_time(tmp_path: Path) -> None:
    frame = {"Age": np.array([20.0, 30.0]), "Tenure": np.array([1.0, np.nan]), "Gender": np.array(["a", "b"], object)}
    columns = (Column("Age", numeric=True, whole=True), Column("Tenure", numeric=True), Column("Gender", numeric=False))
    for name in ("one.csv", "two.csv"):
        generate(frame, columns, tmp_path / name, count=500)
    header, *lines = (tmp_path / "one.csv").read_text().splitlines()
    assert header.replace('"', "") == "Age,Tenure,Gender"
    assert {tuple(line.split(",")) for line in lines} == {
        (age, tenure, gender) for age in ("20", "30") for tenure in ("1", "") for gender in ('"a"', '"b"')
    }
    assert len(lines) == 500
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_a_process_is_paused_weighed_and_stopped_with_its_children(tmp_path: Path) -> None:
    script = tmp_path / "parent.sh"
    script.write_text("#!/bin/sh\nsleep 60 &\nwait\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    program = tree.start([str(script)], core=None, env={}, folder=tmp_path, log=tmp_path / "log")
    pid = program.pid
    try:
        until(lambda: len(tree.members(pid)) == 2)
        family = tree.members(pid)
        assert tree.memory(pid) > tree.memory(family[1]) > 0
        tree.pause(pid)
        until(lambda: [state(member) for member in family] == ["T", "T"])
        tree.resume(pid)
        until(lambda: "T" not in [state(member) for member in family])
    finally:
        tree.stop(program)
    until(lambda: not any(Path(f"/proc/{member}/exe").exists() for member in family))


def until(settled: Callable[[], bool]) -> None:
    """A signal is delivered some time after it is sent."""
    deadline = time.monotonic() + 10
    while not settled():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_the_yardsticks_do_what_they_stand_for() -> None:
    assert TestClient(echo.app).post("/predict", json=ROW).json() == ROW
    client = TestClient(typed.app)
    assert client.post("/predict", json=ROW).status_code == 422
    assert client.post("/predict", json=CUSTOMER).json()["churn_probability"] == 0.5


def test_the_application_without_metrics_counts_no_request() -> None:
    with TestClient(uncounted.app) as client:
        assert client.get("/health/live").status_code == 200
        shown = client.get("/metrics").text.splitlines()
    counted = [line for line in shown if line.startswith("http_requests_total{") and not line.endswith(" 0.0")]
    assert counted == []


def test_the_load_script_asks_for_what_the_reader_reads() -> None:
    text = (Path(__file__).parents[1] / "bench" / "post.lua").read_text(encoding="utf-8")
    keys = set(json.loads(wrk().splitlines()[2]))
    assert all(f'"{key}":' in text for key in keys)
