"""The contract every project keeps, as one test class: a project's tests subclass it and set `spec`.

    class TestBankchurn(ProjectContract):
        spec = SPEC

One quick training run on the project's own data (DATA_MIRROR, data/raw or the synthetic sample) serves all of it, in a
temporary folder: nothing of the project's own models is touched.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import orjson
import pytest
from starlette.testclient import TestClient

from portfolio.bundle import Scorer, load, read_trust, sign
from portfolio.bundle.keys import make_keys, require_signing_key
from portfolio.bundle.scorer import sigmoid
from portfolio.data.frames import frame_of
from portfolio.serving import create_app
from portfolio.serving.validate import validate, validate_objects
from portfolio.settings import read_config, read_settings
from portfolio.spec import BinaryOutcome, ModelSpec
from portfolio.training.flow import Order, train

Row = dict[str, Any]
JSON = {"content-type": "application/json"}
HOSTILE: dict[str, tuple[bytes, set[int]]] = {
    "empty body": (b"", {400, 422}),
    "bad UTF-8": (b'{"\xff\xfe": 1}', {400, 422}),
    "no object": (b"[1, 2, 3]", {422}),
    "5 MB body": (b'{"x": "' + b"a" * 5_000_000 + b'"}', {413}),
}


class ProjectContract:
    """What a client, a scheduler and the library rely on, whatever the project is about."""

    spec: ClassVar[ModelSpec]

    @pytest.fixture(scope="class")
    @classmethod
    def project(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelSpec]:
        """The project in a folder of its own, with keys of its own, trained once with its known good parameters."""
        folder = tmp_path_factory.mktemp(cls.spec.name)
        for part in ("configs", "data"):
            shutil.copytree(cls.spec.root / part, folder / part)
        # no download: what a test trains on must not depend on the network
        spec = replace(cls.spec, folder=folder, source=replace(cls.spec.source, url="http://127.0.0.1:9/"))
        order = Order(now=datetime.now(UTC), effort="quick")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SIGNING_KEY", str(folder / "keys" / "bundle.key"))
            patch.setenv("BUNDLE_PUBLIC_KEY", "")
            settings = read_settings().model_copy(update={"mlflow_tracking_uri": ""})
            make_keys(settings.signing_key_file, settings.public_key_file)
            train(spec, order, read_config(folder / "configs" / "config.yaml"), settings, lambda *_: None)
            yield spec

    @pytest.fixture(scope="class")
    @classmethod
    def scorer(cls, project: ModelSpec) -> Scorer:
        """The bundle, loaded as serving loads it."""
        (bundle,) = [path.parent for path in (project.root / "models").glob("*/bundle.json")]
        settings = read_settings()
        sign(bundle, require_signing_key(settings.signing_key_file))  # training does so where the gate lets it pass
        return load(bundle, project, read_trust(settings))

    @pytest.fixture(scope="class")
    @classmethod
    def client(cls, project: ModelSpec, scorer: Scorer) -> Iterator[TestClient]:
        """The project's API with the bundle live, whatever the gate said of it."""
        from portfolio.pointer import Current, write_current

        current = Current(bundle=scorer.directory.name, model_version="7", source="local", since="2026-01-01T00:00:00")
        write_current(project.root / "models" / "current", current)
        with TestClient(create_app(project)) as client:
            yield client

    @pytest.fixture(scope="class")
    @classmethod
    def rows(cls, scorer: Scorer) -> list[Row]:
        """Requests as real clients send them."""
        return [row.request for row in scorer.manifest.golden]

    def test_a_fresh_interpreter_builds_spec_and_api(self) -> None:
        program = f"import {self.spec.name}.api as api; assert '/predict' in api.app.openapi()['paths']"
        subprocess.run([sys.executable, "-c", program], check=True, timeout=60)

    def test_the_schema_gives_an_example_that_scores(self, client: TestClient) -> None:
        fields = self.spec.request.model_json_schema()["properties"]
        example = {name: field["examples"][0] for name, field in fields.items() if "examples" in field}
        assert client.post("/predict", json=example).status_code == 200

    def test_the_answer_over_http_is_the_offline_score(
        self, client: TestClient, scorer: Scorer, rows: list[Row]
    ) -> None:
        options = read_config(scorer.spec.root / "configs" / "config.yaml").response
        outcomes = scorer.outcomes(frame_of(rows, self.spec.request.COLUMNS))
        assert len(rows) == 200
        for row, outcome in zip(rows, outcomes, strict=True):
            answer = client.post("/predict", json=row).json()
            assert answer.pop("prediction_id")
            assert answer.pop("model_version") == "7"
            assert answer == self.spec.respond(outcome, options)

    def test_a_batch_answers_in_order_as_its_rows_do_alone(
        self, client: TestClient, scorer: Scorer, rows: list[Row]
    ) -> None:
        singles = [_plain(client.post("/predict", json=row).json()) for row in rows[:50]]
        batch = client.post("/predict/batch", json={"instances": rows[:50]}).json()["predictions"]
        if scorer.manifest.family == "lightgbm":
            assert [_plain(answer) for answer in batch] == singles  # to the bit
        else:
            assert [_numbers(answer) for answer in batch] == [pytest.approx(_numbers(one), rel=1e-5) for one in singles]

    def test_every_answer_is_a_valid_response(self, client: TestClient, rows: list[Row]) -> None:
        for row in rows[:20]:
            self.spec.response.model_validate_json(client.post("/predict", json=row).content)

    def test_a_bad_row_of_a_batch_is_named(self, client: TestClient, rows: list[Row]) -> None:
        answer = client.post("/predict/batch", json={"instances": [rows[0], rows[1] | {"unheard_of": 1}]})
        assert answer.status_code == 422
        assert "1" in answer.text
        assert "unheard_of" in answer.text

    def test_contributions_add_up_to_the_answer(self, client: TestClient, scorer: Scorer, rows: list[Row]) -> None:
        columns = {column.name for column in self.spec.request.COLUMNS}
        outcomes = scorer.outcomes(frame_of(rows[:30], self.spec.request.COLUMNS))
        for row, outcome in zip(rows, outcomes, strict=False):
            shown = client.post("/predict?explain=true", json=row).json()["explanation"]
            total = shown["base"] + sum(shown["contributions"].values()) + shown["calibration"]
            assert set(shown["contributions"]) == columns
            margin = scorer.margins(frame_of([row], self.spec.request.COLUMNS))
            assert shown["base"] + sum(shown["contributions"].values()) == pytest.approx(float(margin[0]), abs=1e-4)
            if isinstance(outcome, BinaryOutcome):
                assert float(sigmoid(np.array(total))) == pytest.approx(outcome.probability, abs=1e-6)
            else:
                assert math.exp(total) == pytest.approx(outcome.value, rel=1e-6)

    def test_missing_optional_fields_score(self, client: TestClient, rows: list[Row]) -> None:
        required = {c.name for c in self.spec.request.COLUMNS if not c.optional}
        least = {name: value for name, value in rows[0].items() if name in required}
        assert client.post("/predict", json=least).status_code == 200

    def test_a_row_has_its_fields_in_the_order_of_the_schema(self, rows: list[Row]) -> None:
        """The journal keeps values without names."""
        request = self.spec.request
        names = [column.name for column in request.COLUMNS]
        spelled = {name: rows[0][name] for name in reversed(names) if rows[0][name] is not None}
        assert list(validate(request, orjson.dumps(spelled))) == names
        assert [list(row) for row in validate_objects(request, [spelled])] == [names]

    def test_unseen_texts_of_open_fields_score(self, client: TestClient, rows: list[Row]) -> None:
        for column in self.spec.request.COLUMNS:
            if not column.numeric and not column.choices:
                assert client.post("/predict", json=rows[0] | {column.name: "never seen"}).status_code == 200

    @pytest.mark.parametrize("name", sorted(HOSTILE))
    def test_a_hostile_body_gets_a_problem(self, client: TestClient, name: str) -> None:
        body, statuses = HOSTILE[name]
        _assert_problem(client.post("/predict", content=body, headers=JSON), statuses)

    def test_an_unknown_field_is_named(self, client: TestClient, rows: list[Row]) -> None:
        answer = client.post("/predict", json=rows[0] | {"unheard_of": 1})
        _assert_problem(answer, {422})
        assert "unheard_of" in answer.text

    @pytest.mark.parametrize("value", ['"text"', "true", "NaN", "Infinity", "1e400", "9" * 5000, "[]"])
    def test_what_is_no_number_is_refused_in_every_numeric_field(
        self, client: TestClient, rows: list[Row], value: str
    ) -> None:
        for column in self.spec.request.COLUMNS:
            if column.numeric:
                body = orjson.dumps(rows[0] | {column.name: "#"}).replace(b'"#"', value.encode())
                answer = client.post("/predict", content=body, headers=JSON)
                _assert_problem(answer, {400, 422})
                assert value not in answer.text

    def test_a_number_outside_its_bounds_is_refused_with_the_bound(self, client: TestClient, rows: list[Row]) -> None:
        for column in self.spec.request.COLUMNS:
            if column.low is not None:
                answer = client.post("/predict", json=rows[0] | {column.name: int(column.low) - 1})
                _assert_problem(answer, {422})
                assert column.name in answer.text
                assert f"{column.low:g}" in answer.text

    def test_a_number_beyond_float32_is_refused_in_every_numeric_field(
        self, client: TestClient, rows: list[Row]
    ) -> None:
        for column in self.spec.request.COLUMNS:
            if column.numeric:
                answer = client.post("/predict", json=rows[0] | {column.name: 1e39})
                _assert_problem(answer, {422})
                assert column.name in answer.text

    def test_a_closed_text_takes_only_its_choices(self, client: TestClient, rows: list[Row]) -> None:
        for column in self.spec.request.COLUMNS:
            if column.choices:
                answer = client.post("/predict", json=rows[0] | {column.name: "never seen"})
                _assert_problem(answer, {422})
                assert all(choice in answer.text for choice in column.choices)

    def test_another_content_type_is_refused(self, client: TestClient, rows: list[Row]) -> None:
        answer = client.post("/predict", content=orjson.dumps(rows[0]), headers={"content-type": "text/plain"})
        _assert_problem(answer, {415})

    def test_the_model_is_named_with_its_data_wherever_it_is_shown(self, client: TestClient, scorer: Scorer) -> None:
        data = scorer.manifest.data
        assert data.label in (scorer.directory / "model_card.md").read_text(encoding="utf-8")
        assert client.get("/model/info").json()["data"]["label"] == data.label
        assert data.synthetic == ("synthetic sample" in data.label)

    def test_the_own_code_of_a_project_stays_small(self) -> None:
        folder = Path(sys.modules[self.spec.request.__module__].__file__ or "").parent
        lines = [line for path in folder.glob("*.py") for line in path.read_text(encoding="utf-8").splitlines()]
        assert len(lines) <= 130


def _assert_problem(answer: Any, statuses: set[int]) -> None:
    assert answer.status_code in statuses, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]


def _plain(answer: Row) -> Row:
    return {name: value for name, value in answer.items() if name != "prediction_id"}


def _numbers(answer: Row) -> Row:
    return {name: value for name, value in answer.items() if isinstance(value, float)}
