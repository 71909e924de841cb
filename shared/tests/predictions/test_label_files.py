"""Labels in files."""

from __future__ import annotations

from pathlib import Path

import pytest
from labelled import HEADER, IDS, NOBODY, recorded, row, told
from stores import BEGIN, prediction, ship

from portfolio.errors import DataError
from portfolio.predictions.label_files import Imported, import_file
from portfolio.settings import Settings
from portfolio.store import summary


@pytest.fixture
def settings(labelled: Settings) -> Settings:
    return labelled


def imported(settings: Settings, text: str | bytes, **options: bool) -> Imported:
    file = Path("new_labels.csv")
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return import_file(file, settings, **options)


@pytest.mark.parametrize(
    "text",
    [
        HEADER + row(0) + "\n" + row(1, 0) + "\n",
        HEADER + row(0) + "\n\n" + row(1, "0.0"),
        (HEADER + row(0) + "\n" + row(1, 0)).replace("\n", "\r"),
        HEADER + row(0) + "\r" + row(1, 0) + "\r\n",
        HEADER.replace("\n", "\r\n") + row(0) + "\r\n" + row(1, 0) + "\r\n",
        "\ufeff" + HEADER + f'"{IDS[0]}","1",,"a, b"\n' + row(1, 0),
        f"true_label,prediction_id\n1,{IDS[0]}\n0,{IDS[1]}\n",
        HEADER + row(0) + "\n" + HEADER + row(1, 0) + "\n",
        HEADER + row(0) + "\n" + f"true_label,prediction_id\n0,{IDS[1]}\n",
    ],
    ids=[
        "plain",
        "no end",
        "Mac",
        "Mac and Windows",
        "Windows",
        "quoted",
        "other order",
        "header again",
        "another header",
    ],
)
def test_a_file_is_read_whoever_wrote_it(settings: Settings, text: str) -> None:
    assert imported(settings, text).counts == {"recorded": 2}
    assert recorded(settings) == {0: 1.0, 1: 0.0}


def test_a_line_that_is_no_csv_is_refused_alone(settings: Settings) -> None:
    found = imported(settings, HEADER + row(0) + "\n" + "x" * 200_000 + "\n" + row(1) + "\n")
    assert (found.counts, told(found)) == ({"recorded": 2, "refused": 1}, [(3, "refused")])
    assert found.first[0].reason.startswith("This is no line of CSV: field larger than field limit")
    with pytest.raises(DataError, match="no line of CSV"):
        imported(settings, "x" * 200_000)


def test_a_file_that_is_imported_again_is_repeated(settings: Settings) -> None:
    text = HEADER + row(0) + "\n" + row(1) + "\n"
    imported(settings, text)
    again = imported(settings, text)
    assert (again.counts, again.refused, again.file) == ({"repeated": 2}, 0, None)


def test_what_is_not_recorded_is_told_by_line_and_listed_beside_the_file(settings: Settings) -> None:
    imported(settings, HEADER + row(0))
    text = HEADER + f"{row(0, 0)}\n{NOBODY},1,,\n{row(1, 'yes')}\n{row(2)},more\n42\n{row(3, 7)}\n{row(4)}\n"
    found = imported(settings, text.encode() + b"\xff\xfe\n" + row(5, 1, ",\u00fc").encode("latin-1"))
    assert told(found) == [(2, "conflict"), (3, "unknown"), *((line, "refused") for line in (4, 5, 6, 9, 10))]
    assert [refused.reason for refused in found.first[2:4]] == [
        "true_label must be a number",
        "5 values where 4 columns are",
    ]
    assert found.counts["recorded"] == 2  # 7 fits a project that is not installed here
    listed = Path("new_labels.rejected.csv").read_text(encoding="utf-8").splitlines()
    assert listed[0] == HEADER.strip() + ",line,reason"
    assert len(listed) == 8
    assert listed[3].startswith(f"{IDS[1]},yes,2026-01-03T00:00:00Z,crm,4,")


def test_the_list_of_what_was_refused_can_be_corrected_and_imported(settings: Settings) -> None:
    imported(settings, HEADER + row(1, "yes") + "\n")
    rejected = Path("new_labels.rejected.csv")
    rejected.write_text(rejected.read_text().replace("yes", "1"))
    assert import_file(rejected, settings).counts == {"recorded": 1}


def test_a_file_without_anything_wrong_leaves_no_list_of_the_last_time(settings: Settings) -> None:
    imported(settings, HEADER + row(1, "yes") + "\n")
    imported(settings, HEADER + row(1) + "\n")
    assert not Path("new_labels.rejected.csv").exists()


def test_only_the_first_of_many_are_told_and_all_are_listed(settings: Settings) -> None:
    found = imported(settings, HEADER + "x,1,,\n" * 12_000)
    assert (found.refused, len(found.first), found.first[-1].line) == (12_000, 20, 21)
    assert len(Path("new_labels.rejected.csv").read_text().splitlines()) == 12_001


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (row(0), "does not begin with the names of its columns"),
        ("", "does not begin with the names of its columns"),
        ("prediction_id,true_label,label_timestmap\n", "'label_timestmap'"),
        ("prediction_id,label_source\n", "'true_label'"),
        ("prediction_id,true_label,true_label\n", "one twice"),
    ],
)
def test_a_file_with_other_columns_is_refused_as_a_whole(settings: Settings, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said) as caught:
        imported(settings, text)
    assert HEADER.strip() in caught.value.remedy


def test_a_file_that_can_not_be_imported_leaves_the_list_of_the_last_time(settings: Settings) -> None:
    imported(settings, HEADER + row(1, "yes") + "\n")
    Path("new_labels.csv").unlink()
    with pytest.raises(DataError, match="can't be read"):
        import_file(Path("new_labels.csv"), settings)
    with pytest.raises(DataError, match="does not begin"):
        imported(settings, row(1))
    assert Path("new_labels.rejected.csv").exists()


def test_replacing_is_asked_for(settings: Settings) -> None:
    imported(settings, HEADER + row(0))
    assert imported(settings, HEADER + row(0, 0)).counts == {"conflict": 1}
    assert recorded(settings) == {0: 1.0}
    assert imported(settings, HEADER + row(0, 0), replace=True).counts == {"replaced": 1}
    assert recorded(settings) == {0: 0.0}


def test_an_import_records_what_had_come_too_early(settings: Settings) -> None:
    late = prediction(10)
    imported(settings, HEADER + f"{late.prediction_id},1,,\n")
    ship([late], settings)
    assert imported(settings, HEADER + row(0)).settled == 1
    assert summary("toylate", settings, now=BEGIN).labels == 2
