"""Text is cut where rows end, whatever the quotes in it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portfolio.batch import texts
from portfolio.batch.quotes import first_row, is_open, last_row_end

CELLS = st.sampled_from(
    ["", "a", "1.5", "a,b", 'say "no"', "two\nlines", "two\r\nlines", '"', '""', "größe", "\n", "x" * 30]
)


def rows_of(text: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.decode(), newline="")))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quotes") / "rows.csv"


@given(
    rows=st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1),
    size=st.integers(1, 60),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_parts_of_any_size_hold_the_same_rows(path: Path, rows: list[list[str]], size: int, end: str) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end).writerows(rows)
    path.write_bytes(text.getvalue().encode())
    pieces = list(texts.whole_rows(str(path), size, start=0, row_end=last_row_end))
    assert b"".join(piece.text for piece in pieces) == path.read_bytes()
    assert [row for piece in pieces for row in rows_of(piece.text)] == rows
    assert [piece.first for piece in pieces[1:]] == [piece.last for piece in pieces[:-1]]
    assert sum(piece.weight for piece in pieces) == path.stat().st_size


@given(text=st.lists(st.sampled_from(['"', ",", "\n", "a", '5" pipe,x\n', '"q"', '""']), max_size=30).map("".join))
@example('5" pipe,1\n6" pipe,2\n"a,b",3\n')
@example('a"b,"x\ny",c\n')
def test_quotes_in_the_middle_of_cells_do_not_mislead(text: str) -> None:
    end = last_row_end(text.encode())
    assert rows_of(text[:end].encode()) + rows_of(text[end:].encode()) == rows_of(text.encode())


@pytest.mark.parametrize(
    ("text", "opened"),
    [
        ('a,"b', True),
        ('a,"b\n1,2\n', True),
        ('"a""', True),
        ('5",6\n"x', True),
        ("", False),
        ('a,b"', False),
        ('a,"b"', False),
        ('5",6\n', False),
    ],
)
def test_an_open_quote_is_seen(text: str, opened: bool) -> None:
    assert is_open(text.encode()) is opened


def test_a_header_may_hold_a_line_end() -> None:
    assert first_row(b'a,"b\nc"\r\n1,2\n') == (["a", "b\nc"], 9)


def test_a_row_without_end_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "LONGEST_ROW", 100)
    path.write_text('1,2\n"' + "3,4\n" * 100)
    with pytest.raises(texts.DataError, match=r"the row at byte 4 is longer than"):
        list(texts.whole_rows(str(path), 10, start=0, row_end=last_row_end))
