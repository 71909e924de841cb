"""Labels in files, and in the inbox that people append to."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from math import isnan
from pathlib import Path

import pytest
from stores import BEGIN, prediction, predictions, ship

from portfolio.errors import DataError, StoreError
from portfolio.predictions.inbox import QUIET, read_inbox
from portfolio.predictions.label_files import Imported, import_file
from portfolio.settings import Settings
from portfolio.store import summary, window

HEADER = "prediction_id,true_label,label_timestamp,label_source\n"
IDS = [row.prediction_id for row in predictions(10)]
NOBODY = "00000000-0000-7000-8000-000000000000"
Write = Callable[..., None]


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """A repository with ten predictions in its store."""
    (tmp_path / "Procfile").touch()
    (tmp_path / "monitoring" / "labels").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    settings = Settings(database_url=f"sqlite:///{tmp_path}/store/portfolio.db")
    ship(predictions(10), settings)
    return settings


@pytest.fixture
def append(settings: Settings) -> Write:
    """Appends text to the inbox, as `cat >>` does, some time ago."""

    def write(text: str | bytes, *, ago: float = 2 * QUIET) -> None:
        inbox = settings.labels_inbox
        with inbox.open("ab") as out:
            out.write(text.encode() if isinstance(text, str) else text)
        then = inbox.stat().st_mtime - ago
        os.utime(inbox, (then, then))

    return write


def row(number: int, value: object = 1, rest: str = "2026-01-03T00:00:00Z,crm") -> str:
    return f"{IDS[number]},{value},{rest}"


def recorded(settings: Settings) -> dict[int, float]:
    found = window("toylate", settings, since=BEGIN, until=BEGIN + timedelta(days=1))
    labels = zip(found.prediction_ids, found.labels, strict=True)
    return {IDS.index(name): label for name, label in labels if not isnan(label)}


def told(imported: Imported) -> list[tuple[int, str]]:
    return [(refused.line, refused.outcome) for refused in imported.first]


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
    ids=["plain", "no end", "Mac", "Mac and Windows", "Windows", "quoted", "other order", "header again", "another header"],
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


def test_without_an_inbox_there_is_nothing(settings: Settings) -> None:
    assert read_inbox(settings).counts == {}


def test_what_is_appended_is_read_once(settings: Settings, append: Write) -> None:
    append(HEADER + row(0) + "\n")
    assert read_inbox(settings).counts == {"recorded": 1}
    append(HEADER + row(1) + "\n" + row(2) + "\n")
    assert read_inbox(settings).counts == {"recorded": 2}
    append(row(3) + "\n")
    assert read_inbox(settings).counts == {"recorded": 1}
    assert read_inbox(settings).counts == {}
    assert set(recorded(settings)) == {0, 1, 2, 3}


def test_lines_without_any_header_have_the_usual_columns(settings: Settings, append: Write) -> None:
    append(row(0) + "\n")
    assert read_inbox(settings).counts == {"recorded": 1}


def test_what_is_no_csv_in_the_inbox_ends_no_reading_of_it(settings: Settings, append: Write) -> None:
    append(HEADER + row(0) + "\n" + "x" * 200_000 + "\n" + row(1) + "\r" + row(2) + "\n")
    found = read_inbox(settings)
    append(row(3) + "\n" + row(4, "no") + "\n")
    again = read_inbox(settings)
    assert (found.counts, told(found)) == ({"recorded": 3, "refused": 1}, [(3, "refused")])
    assert (again.counts, told(again)) == ({"recorded": 1, "refused": 1}, [(7, "refused")])


def test_the_columns_of_the_last_header_go_on_counting(settings: Settings, append: Write) -> None:
    append(f"true_label,prediction_id\n1,{IDS[0]}\n")
    read_inbox(settings)
    append(f"0,{IDS[1]}\n")
    assert read_inbox(settings).counts == {"recorded": 1}


def test_a_line_that_is_still_being_written_is_read_when_it_is_whole(settings: Settings, append: Write) -> None:
    append(HEADER + row(0) + "\n" + row(1)[:20], ago=0)
    assert read_inbox(settings).counts == {"recorded": 1}
    append(row(1)[20:] + "\n", ago=0)
    assert read_inbox(settings).counts == {"recorded": 1}
    assert recorded(settings) == {0: 1.0, 1: 1.0}


def test_a_last_line_without_an_end_is_read_once_nobody_writes(settings: Settings, append: Write) -> None:
    append(HEADER + row(0))
    assert read_inbox(settings).counts == {"recorded": 1}
    append(HEADER + row(1))
    append("\n" + row(2))
    assert read_inbox(settings).counts == {"recorded": 2}
    assert set(recorded(settings)) == {0, 1, 2}


def test_a_header_glued_to_a_line_without_an_end_is_cut_off(settings: Settings, append: Write) -> None:
    append(HEADER + row(0) + HEADER + row(1) + "\n", ago=0)
    assert read_inbox(settings).counts == {"recorded": 2}


def test_a_file_that_was_replaced_is_read_anew(settings: Settings, append: Write) -> None:
    append(HEADER + row(0) + "\n" + row(1) + "\n")
    read_inbox(settings)
    settings.labels_inbox.unlink()
    append(HEADER + row(2) + "\n")
    assert read_inbox(settings).counts == {"recorded": 1}
    settings.labels_inbox.unlink()
    append(HEADER + row(3) + "\n" + row(4) + "\n" + row(5) + "\n")
    assert read_inbox(settings).counts == {"recorded": 3}


def test_another_store_reads_the_inbox_from_its_beginning(settings: Settings, append: Write, tmp_path: Path) -> None:
    append(HEADER + row(0) + "\n")
    read_inbox(settings)
    other = Settings(database_url=f"sqlite:///{tmp_path}/other.db")
    ship(predictions(1), other)
    assert read_inbox(other).counts == {"recorded": 1}


def test_a_store_that_is_away_loses_nothing_of_the_inbox(settings: Settings, append: Write) -> None:
    append(HEADER + row(0) + "\n")
    with pytest.raises(StoreError):
        read_inbox(Settings(database_url="sqlite:////proc/nowhere/portfolio.db"))
    assert read_inbox(settings).counts == {"recorded": 1}


def test_what_the_inbox_could_not_record_is_listed_beside_it(settings: Settings, append: Write) -> None:
    append(HEADER + row(0, "yes") + "\n")
    found = read_inbox(settings)
    append(row(1, "no") + "\n")
    read_inbox(settings)
    assert found.file is not None
    assert found.file.name == "labels.rejected.csv"
    assert [line.split(",")[4] for line in found.file.read_text().splitlines()[1:]] == ["2", "3"]


def test_several_who_read_the_inbox_at_once_read_each_line_once(settings: Settings, append: Write) -> None:
    append(HEADER + "".join(f"x{number},1,,\n" for number in range(100)))
    program = "from portfolio.predictions.inbox import read_inbox; from portfolio.settings import Settings\n"
    program += "import sys; print(read_inbox(Settings(database_url=sys.argv[1])).refused)"
    command = [sys.executable, "-c", program, settings.database_url]
    readers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert sum(int(reader.communicate(timeout=60)[0]) for reader in readers) == 100
