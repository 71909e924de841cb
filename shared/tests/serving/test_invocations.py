"""MLflow's scoring protocol: what `mlflow models serve` answers for the same bundle, asked with the same bodies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pandas as pd
import pytest
import yaml
from fastapi.testclient import TestClient
from services import TESTS, free_port, running
from toys import ORDER, orders

from portfolio.bundle import ANYONE, seal, sign, verify
from portfolio.bundle.keys import SigningKey
from portfolio.bundle.pyfunc import describe
from portfolio.serving import create_app
from portfolio.serving.validate import BATCH_ROWS
from portfolio.spec import ModelSpec

Row = dict[str, Any]
PATH = "/invocations"
JSON, CSV = "application/json", "text/csv"
FIELDS = ("pieces", "weight", "colour", "note")
CLIENT = """
import json, sys
import pandas as pd
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

client = ScoringServerClient("127.0.0.1", int(sys.argv[1]))
client.wait_server_ready(timeout=5)
answers = client.invoke(pd.DataFrame(json.load(sys.stdin))).get_predictions()
print(json.dumps([client.get_version(), answers.to_dict("records")]))
"""
OWN = {"prediction_id", "model_version"}  # what a model by itself doesn't know


@pytest.fixture(scope="module")
def served(spec: ModelSpec, key: SigningKey) -> ModelSpec:
    """The project, its bundle with the file that MLflow looks for."""
    bundle = spec.root / "models" / "v1"
    manifest = verify(bundle, ANYONE)
    (bundle / "MLmodel").write_text(yaml.safe_dump(describe(manifest)))
    seal(bundle, manifest)
    sign(bundle, key)
    return spec


@pytest.fixture(scope="module")
def theirs(served: ModelSpec, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """`mlflow models serve` of that bundle."""
    port, log = free_port(), tmp_path_factory.mktemp("mlflow") / "log"
    programs = Path(sys.executable).parent
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(served.root / "src"), str(TESTS)]),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",  # it starts uvicorn by its name
    }
    where = ["-m", str(served.root / "models" / "v1"), "-h", "127.0.0.1", "-p", str(port)]
    command = [str(programs / "mlflow"), "models", "serve", "--env-manager", "local", *where]
    with log.open("w") as output:
        server = subprocess.Popen(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            _wait(server, client, log)
            yield client
    finally:
        os.killpg(server.pid, signal.SIGKILL)  # its own child would outlive it
        server.wait()


def _wait(server: subprocess.Popen[bytes], client: httpx.Client, log: Path) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and server.poll() is None:
        try:
            if client.get("/ping").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail(f"mlflow never answered: {log.read_text()}")


@pytest.fixture(scope="module")
def ours(served: ModelSpec) -> Iterator[TestClient]:
    """This API of the same bundle."""
    with TestClient(create_app(served)) as client:
        yield client


def cells(row: Row) -> list[Any]:
    """A row in the order of FIELDS."""
    return [row.get(name) for name in FIELDS]


def csv(rows: list[Row]) -> str:
    """Rows as pandas writes them."""
    return str(pd.DataFrame([dict.fromkeys(FIELDS) | row for row in rows]).to_csv(index=False))


def post(client: Any, body: Any, kind: str = JSON) -> Any:
    """What a server answers."""
    content = body if isinstance(body, str | bytes) else json.dumps(body)  # with NaN, as MLflow's client writes it
    return client.post(PATH, content=content, headers={"content-type": kind})


ROWS = orders(40, seed=5)
FULL = [ORDER | {"weight": 1.0 + index, "colour": colour} for index, colour in enumerate(["red", "blue", "red"])]
NAN = float("nan")

TAKEN: dict[str, tuple[Any, str]] = {
    "split": ({"dataframe_split": {"columns": FIELDS, "data": [cells(row) for row in ROWS]}}, JSON),
    "split with an index": (
        {"dataframe_split": {"columns": FIELDS, "index": [7, 8, 9], "data": [cells(row) for row in FULL]}},
        JSON,
    ),
    "split with NaN": ({"dataframe_split": {"columns": FIELDS, "data": [[3, NAN, "red", ""]]}}, JSON),
    "split in another order": (
        {"dataframe_split": {"columns": FIELDS[::-1], "data": [cells(row)[::-1] for row in FULL]}},
        JSON,
    ),
    "records": ({"dataframe_records": ROWS}, JSON),
    "records with null": ({"dataframe_records": [*FULL, ORDER | {"weight": None, "note": None}]}, JSON),
    "records with whole numbers as floats": ({"dataframe_records": [ORDER | {"pieces": 3.0}]}, JSON),
    "instances": ({"instances": FULL}, JSON),
    "instances with null": ({"instances": [*FULL, ORDER | {"weight": None}]}, JSON),
    "inputs by column": ({"inputs": {name: [row[name] for row in FULL] for name in FIELDS}}, JSON),
    "inputs by row": ({"inputs": ROWS}, JSON),
    "no params": ({"dataframe_records": FULL, "params": {}}, JSON),
    "a charset": ({"dataframe_records": FULL}, "application/json; charset=utf-8"),
    "CSV": (csv(ROWS), CSV),
    "CSV with a charset": (csv(FULL), "text/csv; charset=utf-8"),
    "CSV with whole numbers as floats": ("pieces,colour\n3.0,red\n4.0,blue\n", CSV),
    "CSV with spaces": ("pieces,colour\n 3 ,red\n", CSV),
    "CSV with quotes": ('"pieces","colour","note"\r\n"3","red","a,b ""c"""\r\n', CSV),
    "CSV with an empty line": ("pieces,colour\n3,red\n\n4,blue\n", CSV),
}


@pytest.mark.parametrize("name", TAKEN)
def test_both_servers_answer_the_same_predictions_to_the_bit(ours: TestClient, theirs: httpx.Client, name: str) -> None:
    mine, other = (post(server, *TAKEN[name]) for server in (ours, theirs))
    assert (mine.status_code, other.status_code) == (200, 200), (mine.text, other.text)
    answers = mine.json()["predictions"]
    assert all(answer.keys() >= OWN for answer in answers)
    common = [{field: value for field, value in answer.items() if field not in OWN} for answer in answers]
    assert {"predictions": common} == other.json()
    assert mine.json().keys() == {"predictions"}
    assert mine.headers["content-type"] == other.headers["content-type"] == JSON


SPLIT = {"columns": FIELDS, "data": [cells(ORDER)]}
NO_FORM: dict[str, tuple[Any, str]] = {
    "no JSON": ("{", JSON),
    "not UTF-8": (b'{"instances": "\xff"}', JSON),
    "a list": ([ORDER], JSON),
    "nothing": ({}, JSON),
    "two forms": ({"dataframe_records": [ORDER], "instances": [ORDER]}, JSON),
    "a record without a list": ({"dataframe_records": ORDER}, JSON),
    "a list as split": ({"dataframe_split": [cells(ORDER)]}, JSON),
    "split without data": ({"dataframe_split": {"columns": FIELDS}}, JSON),
    "split without columns": ({"dataframe_split": {"data": [cells(ORDER)]}}, JSON),
    "split with short rows": ({"dataframe_split": SPLIT | {"data": [cells(ORDER)[:-1]]}}, JSON),
    "split with long rows": ({"dataframe_split": SPLIT | {"data": [[*cells(ORDER), 5]]}}, JSON),
    "inputs of other lengths": ({"inputs": {"pieces": [3, 4], "colour": ["red"]}}, JSON),
    "inputs without lists": ({"inputs": ORDER}, JSON),
    "one input": ({"inputs": 5}, JSON),
    "an empty CSV": ("", CSV),
    "a CSV not in UTF-8": (b"pieces,colour\n3,\xff\n", CSV),
    "a CSV with a long row": ("pieces,colour\n3,red\n3,red,5\n", CSV),
    "a CSV with an open quote": ('pieces,colour\n3,"red\n', CSV),
}
AGAINST_THE_RULES: dict[str, tuple[Any, str]] = {
    "no records": ({"dataframe_records": []}, JSON),
    "no rows": ({"dataframe_split": {"columns": FIELDS, "data": []}}, JSON),
    "records that are none": ({"dataframe_records": [1, 2]}, JSON),
    "instances as lists": ({"instances": [cells(ORDER)]}, JSON),
    "inputs as lists": ({"inputs": [cells(ORDER)]}, JSON),
    "an unknown column": ({"dataframe_records": [ORDER | {"price": 5}]}, JSON),
    "an absent column": ({"dataframe_records": [{"pieces": 3}]}, JSON),
    "a missing cell": ({"dataframe_records": [ORDER | {"colour": None}]}, JSON),
    "out of range": ({"dataframe_records": [ORDER | {"pieces": 12}]}, JSON),
    "a number in quotes": ({"dataframe_records": [ORDER | {"pieces": "3"}]}, JSON),
    "true for a number": ({"dataframe_records": [ORDER | {"pieces": True}]}, JSON),
    "a fraction": ({"dataframe_records": [ORDER | {"pieces": 2.5}]}, JSON),
    "a number for a text": ({"dataframe_records": [ORDER | {"note": 5}]}, JSON),
    "too large a number": ({"dataframe_records": [ORDER | {"weight": 1e39}]}, JSON),
    "infinity": ({"dataframe_records": [ORDER | {"weight": float("inf")}]}, JSON),
    "a CSV without rows": ("pieces,colour\n", CSV),
    "a CSV with text for a number": ("pieces,colour\nthree,red\n", CSV),
    "a CSV with an unknown column": ("pieces,colour,price\n3,red,5\n", CSV),
    "a CSV with an index": (",pieces,colour\n0,3,red\n", CSV),
}


@pytest.mark.parametrize("name", NO_FORM)
def test_what_has_not_the_protocols_form_is_400_at_both(ours: TestClient, theirs: httpx.Client, name: str) -> None:
    mine, other = (post(server, *NO_FORM[name]) for server in (ours, theirs))
    assert (mine.status_code, other.status_code) == (400, 400), (mine.text, other.text)
    assert mine.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("name", AGAINST_THE_RULES)
def test_rows_against_the_rules_are_400_there_and_here_422_with_the_field(
    ours: TestClient, theirs: httpx.Client, name: str
) -> None:
    mine, other = (post(server, *AGAINST_THE_RULES[name]) for server in (ours, theirs))
    assert (mine.status_code, other.status_code) == (422, 400), (mine.text, other.text)
    assert mine.json()["errors"][0].keys() >= {"field", "message", "allowed"}


@pytest.mark.parametrize("kind", ["text/xml", "text/csv; charset=latin-1", "application/json; charset=utf-16"])
def test_other_content_types_are_415_at_both(ours: TestClient, theirs: httpx.Client, kind: str) -> None:
    assert [post(server, csv(FULL), kind).status_code for server in (ours, theirs)] == [415, 415]


LEFT_TO_MLFLOW: dict[str, tuple[Any, str]] = {
    "params": ({"dataframe_records": [ORDER], "params": {"best_of": 3}}, JSON),
    "a key of no meaning": ({"dataframe_records": [ORDER], "signature_name": "x"}, JSON),
    "a short row among others": ({"dataframe_split": SPLIT | {"data": [cells(ORDER), cells(ORDER)[:-1]]}}, JSON),
    "a short row of CSV": ("pieces,colour,note\n3,red,\n3,red\n", CSV),
    "NaN in words": ("pieces,weight,colour\n3,NaN,red\n", CSV),
}


@pytest.mark.parametrize("name", LEFT_TO_MLFLOW)
def test_what_mlflow_passes_over_in_silence_is_refused_here(ours: TestClient, theirs: httpx.Client, name: str) -> None:
    mine, other = (post(server, *LEFT_TO_MLFLOW[name]) for server in (ours, theirs))
    assert other.status_code == 200, other.text
    assert mine.status_code in (400, 422)


TAKEN_HERE_ALONE: dict[str, tuple[Any, str]] = {
    "instances of which some leave a field out": ({"instances": [ORDER, {"pieces": 3, "colour": "red"}]}, JSON),
    "CSV in which a text is a number": ("pieces,colour,note\n3,red,500\n", CSV),
}


@pytest.mark.parametrize("name", TAKEN_HERE_ALONE)
def test_rows_that_pandas_mistakes_are_answered_here(ours: TestClient, theirs: httpx.Client, name: str) -> None:
    mine, other = (post(server, *TAKEN_HERE_ALONE[name]) for server in (ours, theirs))
    assert (mine.status_code, other.status_code) == (200, 400)


def test_ping_and_version_are_answered_alike(ours: TestClient, theirs: httpx.Client) -> None:
    for path in ("/ping", "/version"):
        mine, other = ours.get(path), theirs.get(path)
        assert (mine.status_code, mine.text) == (other.status_code, other.text)
    assert ours.get("/version").text == version("mlflow")


def test_mlflows_own_client_is_answered(served: ModelSpec) -> None:
    assert any("weight" not in row for row in ROWS)  # which a data frame holds, and the client writes, as NaN
    rows = [{"note": ""} | row for row in ROWS]
    with running(served) as service, service.client() as plain:
        asked = subprocess.run(
            [sys.executable, "-c", CLIENT, str(service.port)],
            input=json.dumps(rows), capture_output=True, text=True, check=False,
        )  # fmt: skip
        expected = plain.post("/predict/batch", json={"instances": rows}).json()["predictions"]
    assert asked.returncode == 0, asked.stderr
    mlflow, answers = json.loads(asked.stdout)
    assert mlflow == version("mlflow")
    assert [one["probability"] for one in answers] == [one["probability"] for one in expected]


def test_a_bad_cell_is_named_by_index_and_field(client: TestClient) -> None:
    answer = post(client, "pieces,colour\n3,red\n12,red\n", CSV)
    [error] = answer.json()["errors"]
    assert (error["index"], error["field"], error["message"]) == (1, "pieces", "must be at most 9")


@pytest.mark.parametrize("number", ["three", "1_000", "٣", "0x3", "3;", "nan", "inf"])
def test_what_is_no_number_in_a_csv_is_named(client: TestClient, number: str) -> None:
    answer = post(client, f"pieces,weight,colour\n3,{number},red\n", CSV)
    [error] = answer.json()["errors"]
    assert (error["index"], error["field"]) == (0, "weight")
    assert error["message"] in ("must be a number", "must be a finite number")


@pytest.mark.parametrize("number", ["+2.5", ".5", "2.", "1e0", "2.50", "\t2.5 "])
def test_a_number_in_a_csv_may_be_written_in_many_ways(client: TestClient, number: str) -> None:
    expected = client.post("/predict", json={"pieces": 3, "weight": float(number), "colour": "red"}).json()
    [answer] = post(client, f"pieces,weight,colour\n3,{number},red\n", CSV).json()["predictions"]
    assert answer["probability"] == expected["probability"]


def test_a_csv_may_begin_with_a_byte_order_mark(client: TestClient) -> None:
    assert post(client, "\ufeffpieces,colour\n3,red\n".encode(), CSV).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": [*FIELDS, "pieces"], "data": [[*cells(ORDER), 9]]}},
        "pieces,colour,pieces\n3,red,9\n",
    ],
)
def test_a_column_that_is_there_twice_is_refused(client: TestClient, body: Any) -> None:
    answer = post(client, body, CSV if isinstance(body, str) else JSON)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"] == "must be named once each"


def test_an_unknown_column_is_refused_even_where_it_is_empty(client: TestClient) -> None:
    for body, kind in (({"instances": [ORDER | {"price": None}]}, JSON), ("pieces,colour,price\n3,red,\n", CSV)):
        assert post(client, body, kind).json()["errors"][0]["field"] == "price"


@pytest.mark.parametrize("form", ["dataframe_records", "dataframe_split", "inputs", "csv"])
def test_ten_thousand_rows_are_answered_and_one_more_is_not(client: TestClient, form: str) -> None:
    def body(number: int) -> tuple[Any, str]:
        rows = [ORDER] * number
        if form == "csv":
            return csv(rows), CSV
        if form == "dataframe_split":
            return {form: {"columns": FIELDS, "data": [cells(row) for row in rows]}}, JSON
        if form == "inputs":
            return {form: {name: [row[name] for row in rows] for name in FIELDS}}, JSON
        return {form: rows}, JSON

    assert len(post(client, *body(BATCH_ROWS)).json()["predictions"]) == 10_000
    refused = post(client, *body(BATCH_ROWS + 1))
    assert refused.status_code == 422
    assert "1 to 10000 rows" in refused.text


def test_a_table_can_be_explained_up_to_a_hundred_rows(client: TestClient) -> None:
    answer = client.post(f"{PATH}?explain=true", json={"dataframe_records": orders(3)})
    assert ["explanation" in one for one in answer.json()["predictions"]] == [True] * 3
    assert "1 to 100 rows" in client.post(f"{PATH}?explain=true", json={"instances": [ORDER] * 101}).text


def test_rows_are_counted_as_any_prediction_is_unless_it_is_a_trial(client: TestClient) -> None:
    before = predicted(client)
    post(client, {"dataframe_records": [ORDER] * 3})
    assert predicted(client) - before == 3
    client.post(f"{PATH}?dry_run=true", json={"dataframe_records": [ORDER] * 3})
    assert predicted(client) - before == 3


def predicted(client: TestClient) -> float:
    """Predictions counted so far."""
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("predictions_total{"))


def test_without_a_model_nothing_is_predicted_and_ping_says_so(empty_client: TestClient) -> None:
    assert empty_client.get("/ping").status_code == 503
    for body, kind in (({"dataframe_records": [ORDER]}, JSON), (csv([ORDER]), CSV)):
        answer = post(empty_client, body, kind)
        assert (answer.status_code, answer.json()["title"]) == (503, "Model not available")


def test_16_mb_is_the_limit(client: TestClient) -> None:
    assert post(client, b"\n" * (16 * 1024 * 1024 + 1), CSV).status_code == 413
