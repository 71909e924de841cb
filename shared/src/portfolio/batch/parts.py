"""A job's parts: each small enough to be scored in memory, the same ones whenever the job is cut."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from portfolio.batch import csv_files, json_lines, parquet_files
from portfolio.batch.folder import Folder
from portfolio.batch.job import Job, Part, Piece
from portfolio.batch.texts import is_compressed


def cut(job: Job, folder: Folder, *, finished: Collection[int]) -> Iterator[Part]:
    """The parts that are not finished, in the input's order, found as they are asked for; then their total is known."""
    number = -1
    for number, (file, piece) in enumerate(_pieces(job)):
        if number not in finished:
            yield _part(job, folder, number, file, piece)
    if number < 0 and not finished:  # no rows: an output without rows
        yield _part(job, folder, 0, 0, Piece(0, 0, job.size))
    folder.note_total(max(number + 1, 1))


def _pieces(job: Job) -> Iterator[tuple[int, Piece]]:
    for position, file in enumerate(job.inputs):
        match job.reads:
            case "csv":
                found = csv_files.pieces(file, job.part_bytes)
            case "jsonl":
                found = json_lines.pieces(file, job.part_bytes)
            case "parquet":
                found = parquet_files.pieces(file, job.part_rows)
        yield from ((position, piece) for piece in found)


def _part(job: Job, folder: Folder, number: int, file: int, piece: Piece) -> Part:
    path, first, last = job.inputs[file].path, piece.first, piece.last
    if is_compressed(path):  # it can't be entered midway, so the rows of a part are put down for whoever scores it
        folder.text(number).write_bytes(piece.text)
        path, first, last = str(folder.text(number)), 0, len(piece.text)
    return Part(number=number, file=file, path=path, first=first, last=last, weight=piece.weight)
