"""What the page that tries a model is made of: values of the form, reasons, what-if, CSV, scoring."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from cockpit import table
from cockpit.fields import Field, request_fields
from cockpit.services import Service
from cockpit.table import TableError
from cockpit.try_it import answer, by_schema, form, known, reasons, scoring, what_if
from cockpit.try_it.charts.waterfall import waterfall
from cockpit.try_it.known import Known
from dashboard.tests.orchard import DOCUMENT, EXAMPLE, orchard

FIELDS = request_fields(DOCUMENT)
BY_NAME = {field.name: field for field in FIELDS}
NAMES = list(BY_NAME)
HEADER = "rings,acidity,soil,organic,station,rain\n"


def number(**said: Any) -> Field:
    return Field(
        "x", said.pop("kind", "number"), "X", "", said.pop("optional", False), said.pop("example", None), **said
    )


def converted(content: str | bytes) -> list[dict[str, Any] | str]:
    raw = content.encode() if isinstance(content, str) else content
    return by_schema.convert(table.read(raw, NAMES), FIELDS)


@pytest.mark.parametrize(
    ("field", "slides"),
    [
        (number(low=18, high=100), True),
        (number(low=0, high=10_000_000), False),
        (number(low=0), False),
        (number(low=18, high=100, optional=True), False),
    ],
)
def test_only_a_sane_range_that_is_never_empty_gets_a_slider(field: Field, slides: bool) -> None:
    assert form.slides(field) is slides


def test_a_field_left_empty_is_left_out_and_a_switch_is_a_number() -> None:
    row = form.row_of(FIELDS, EXAMPLE | {"rain": None, "organic": True, "station": ""})
    assert row == {"rings": 12, "acidity": 6.5, "soil": "clay", "organic": 1}
    assert row["organic"] is not True


def test_a_year_moves_by_one_and_a_large_amount_by_more() -> None:
    assert form.step_of(number(kind="integer", low=1900, high=2030, example=2015)) == 1
    assert form.step_of(number(low=0, example=118500.5)) == 10_000


def test_a_description_that_has_the_name_in_it_is_the_label_and_markdown_stays_text() -> None:
    assert form.title_of(BY_NAME["rings"]) == "Yearly rings counted"
    assert form.plain("a*b_[c](d) $e$") == r"a\*b\_\[c\](d) \$e\$"


def test_the_decision_is_the_models_own() -> None:
    info = {"task": {"kind": "binary"}, "threshold": 0.5}
    told = answer.read({"p_probability": 0.6, "churn_prediction": 0, "model_version": "3"}, info)
    assert (told.value, told.decision, told.version, told.others) == (0.6, False, "3", {})


@pytest.mark.parametrize(
    ("field", "outcome"), [("churn_probability", "Churn"), ("probability_is_ultra", "Ultra"), ("probability", "Yes")]
)
def test_what_the_probability_is_of_is_in_its_name(field: str, outcome: str) -> None:
    assert answer.read({field: 0.6}, {}).outcome == outcome


def test_an_amount_is_found_with_its_interval() -> None:
    body = {"fee": 1, "prediction": 12.5, "price_low": 10.0, "price_high": 15.0}
    told = answer.read(body, {"task": {"kind": "regression"}, "threshold": None})
    assert (told.main, told.value, told.low, told.high, told.probable) == ("prediction", 12.5, 10.0, 15.0, False)


def explained(sizes: dict[str, float]) -> dict[str, Any]:
    return {"base": -1.0, "contributions": sizes, "calibration": 0.25, "answer": -0.75 + sum(sizes.values())}


def test_the_parts_add_up_however_many_are_put_together() -> None:
    sizes = {f"field_{place}": (-1) ** place * 2.0 / (1 + place) for place in range(25)}
    found = reasons.steps(explained(sizes), (), {})
    assert len(found) == 3 + reasons.MOST
    assert abs(reasons.gap(found)) < 1e-12
    sized = [abs(step.size) for step in found if step.part == "field"]
    assert sized == sorted(sized, reverse=True)
    drawn = waterfall(found, scale="log-odds", ends=("27 %", "50 %")).data[0]
    parts = [x for x, measure in zip(drawn.x, drawn.measure, strict=True) if measure != "total"]
    assert sum(parts) == pytest.approx(drawn.x[-1])
    assert len(set(drawn.y)) == len(found)


def test_a_sum_that_misses_the_answer_is_said() -> None:
    good = reasons.steps(explained({"a": 1.0}), (), {})
    bad = reasons.steps(explained({"a": 1.0}) | {"answer": 9.0}, (), {})
    assert "miss" not in reasons.addition(good, "log-odds", "56 %")
    assert "miss the answer by +8.75" in reasons.addition(bad, "log-odds", "56 %")


def test_the_two_strongest_reasons_are_a_sentence() -> None:
    found = reasons.steps(explained({"rings": 0.5, "rain": -2.0, "soil": 0.1}), FIELDS, {"rings": 12})
    words = "Rain (not given) lowers the probability most, and Rings (12) raises it."
    assert reasons.sentence(found, "the probability") == words


@pytest.mark.parametrize(("scale", "value", "back"), [("log-odds", 0.0, 0.5), ("log", 0.0, 1.0), ("value", 3.0, 3.0)])
def test_the_scale_goes_back_to_what_people_measure_in(scale: str, value: float, back: float) -> None:
    assert reasons.back(scale, value) == back


def test_what_if_tries_the_fields_range_with_the_forms_value_among_it() -> None:
    tried = what_if.values(BY_NAME["rings"], 13, Known())
    assert (tried[0], tried[-1]) == (1, 200)
    assert 13 in tried
    assert all(isinstance(value, int) for value in tried)
    assert len(tried) <= what_if.POINTS + 1
    rows = what_if.rows(EXAMPLE, BY_NAME["rings"], tried)
    assert [row["rings"] for row in rows] == tried
    assert all(row["soil"] == "clay" for row in rows)


def test_what_if_stays_where_values_lie() -> None:
    wide = number(low=0, high=10_000_000, example=16943.2)
    assert what_if.extent(wide, 20_000, Known()) == (0, 60_000)
    assert what_if.extent(wide, 20_000, Known(ranges={"x": (500.0, 40_000.0)})) == (500, 40_000)
    assert what_if.extent(wide, 70_000, Known(ranges={"x": (500.0, 40_000.0)}))[1] == 70_000


def test_what_if_tries_choices_and_nothing_at_all_where_that_is_allowed() -> None:
    assert what_if.values(BY_NAME["soil"], "clay", Known()) == ["clay", "sand", "loam"]
    fuel = Field("fuel", "text", "Fuel", "", True, "gas")
    tried = what_if.values(fuel, "steam", Known(texts={"fuel": ("gas", "diesel")}))
    assert tried == ["gas", "diesel", "steam", None]
    assert "fuel" not in what_if.rows({"fuel": "gas"}, fuel, tried)[-1]
    assert fuel not in what_if.movable([fuel], Known())


def test_open_data_is_summed_up_without_its_gaps() -> None:
    found = known.summary({"make": ["b", "a", "b", None], "price": [1.0, None, 3.0, 2.0]}, "price")
    assert found.texts == {"make": ("b", "a")}
    assert found.share_below(2.0) == 0.5
    assert found.share_below(99.0) == 1.0


def test_rows_beyond_what_the_model_is_for_do_not_count_as_learned() -> None:
    columns = {"make": ["a", "b", "c"], "price": [1.0, 2.0, 9e6], "prediction": [1.1, 2.1, None]}
    found = known.summary(columns, "price")
    assert (found.rows, found.texts["make"]) == (2, ("a", "b"))
    assert found.share_below(3.0) == 1.0


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_rows_are_read_by_the_schema(mark: str, separator: str) -> None:
    lines = ["station,rings,acidity,soil,organic,rain", '"a ""b""",12,6.5,clay,yes,']
    content = mark + "\r\n".join(line.replace(",", separator) for line in lines)
    row = {"station": 'a "b"', "rings": 12, "acidity": 6.5, "soil": "clay", "organic": 1, "rain": None}
    assert converted(content) == [row]


def test_a_quoted_text_may_have_the_separator_and_line_ends_and_lines_are_still_counted() -> None:
    found = table.read((HEADER + '1,2,clay,0,"a,\nb",\n\n1,2,clay,0,c,\n').encode(), NAMES)
    assert found.rows[0][4] == "a,\nb"
    assert found.lines == (2, 5)


def test_in_files_with_semicolons_a_comma_is_a_decimal_point() -> None:
    (row,) = converted("rings;acidity;soil;organic;station\n1;6,5;clay;0;a")
    assert isinstance(row, dict)
    assert row["acidity"] == 6.5


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        (",6.5,clay,1,a,", "rings is empty"),
        ("many,6.5,clay,1,a,", "rings must be a number"),
        ("1,nan,clay,1,a,", "acidity must be a number"),
        ("1,6.5,clay,1,a", "has 5 cells where the header has 6"),
        (",x,clay,1,a,", "rings is empty; acidity must be a number"),
    ],
)
def test_a_bad_row_says_what_is_wrong_with_it(cells: str, problem: str) -> None:
    assert converted(HEADER + cells) == [problem]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no rows"),
        (b"rings,acidity\n", "no rows"),
        ("rings,é\n1,2".encode("latin-1"), "not UTF-8"),
        (b"PK\x03\x04\0\0", "not text"),
        (b"rings,rings\n1,2", "named twice: rings"),
        (b'rings,soil\n1,"open\n2,clay\n', "not CSV"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_a_remedy(content: bytes, words: str) -> None:
    with pytest.raises(TableError, match=words) as refused:
        table.read(content, NAMES)
    assert refused.value.remedy


def test_a_header_is_checked_against_the_schema() -> None:
    found = by_schema.check(["Rings", "acidity", "soil", "organic", "station", "id"], FIELDS)
    assert found.missing == ("rings",)
    assert found.left_out == ("rain",)
    assert found.unknown == {"Rings": "rings", "id": ""}


@pytest.mark.parametrize("cell", ["=1+1", "+cmd", "-x", "@sum(a)", "\t=1", " =1"])
def test_a_text_can_not_act_as_a_formula(cell: str) -> None:
    assert table.harmless(cell) == f"'{cell}"


def test_numbers_stay_numbers() -> None:
    assert [table.harmless(cell) for cell in ("-5", -5, "+1.5e3", "a=b", None)] == ["-5", -5, "+1.5e3", "a=b", None]


def test_the_sample_can_be_read_again() -> None:
    first, second = converted(by_schema.sample(FIELDS, EXAMPLE))
    assert first == EXAMPLE
    assert second == EXAMPLE | {"rain": None}


def test_a_bad_row_costs_itself_alone() -> None:
    rows: list[dict[str, Any] | str] = [dict(EXAMPLE, rings=place % 200) for place in range(1200)]
    bad = set(range(0, 1200, 7))
    for place in bad:
        rows[place] = EXAMPLE | {"acidity": -1.0}
    rows[5] = "rings is empty"
    with orchard() as (address, _):
        seen = [found.done for found in scoring.scored(Service.read(address), rows)]
        (*_, found) = scoring.scored(Service.read(address), rows)
    assert seen == [500, 1000, 1200]
    assert {place for place, problem in enumerate(found.problems) if problem} == bad | {5}
    assert {place for place, given in enumerate(found.answers) if given is None} == bad | {5}
    assert found.problems[0] == "acidity must be above 0 (a number above 0)"
    assert found.refused == len(bad) + 1


def test_a_service_that_stops_leaves_rows_that_say_so() -> None:
    (found,) = scoring.scored(Service.read("http://127.0.0.1:9"), [EXAMPLE, "rain must be a number"])
    assert found.failure is not None
    assert found.problems[0].startswith("not scored: ")
    assert found.problems[1] == "rain must be a number"


def test_the_result_has_the_files_columns_then_the_answers() -> None:
    file = table.read((HEADER.strip() + ",advice\n1,2,clay,0,=cmd,,mine\n").encode(), NAMES)
    found = scoring.Scored(1, [{"advice": "SPRAY", "prediction_id": "x", "model_version": "7"}], [""])
    header, rows = scoring.result(file, found)
    assert header == [*file.header, "advice (scored)", "model_version", "problem"]
    (written,) = csv.DictReader(io.StringIO(table.write(header, rows)))
    assert written["station"] == "'=cmd"
    assert (written["advice"], written["advice (scored)"]) == ("mine", "SPRAY")
