"""The folder beside the output where finished parts are kept until all are there."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

from portfolio.batch.job import Done, Job, Part
from portfolio.batch.rows import Refusal
from portfolio.errors import DataError


@dataclass(frozen=True)
class Folder:
    """`<output>.parts`. A part is finished where its note says so and its file has the noted size."""

    path: Path

    def part(self, number: int) -> Path:
        """The answered rows of a part."""
        return self.path / f"{number:06d}.part"

    def refusals(self, number: int) -> Path:
        """The refused rows of a part, JSON lines."""
        return self.path / f"{number:06d}.rejected"

    def text(self, number: int) -> Path:
        """The rows of a part of a compressed input, decompressed."""
        return self.path / f"{number:06d}.text"

    def note(self, number: int) -> Path:
        """What is known of a finished part; written last."""
        return self.path / f"{number:06d}.json"

    def finished(self) -> dict[int, Done]:
        """The finished parts by number."""
        notes = (Done.model_validate_json(path.read_bytes()) for path in self.path.glob("*[0-9].json"))
        return {done.number: done for done in notes if _size(self.part(done.number)) == done.size}

    def keep(self, part: Part, *, refused: list[Refusal], rows: int, write: Callable[[Path], None]) -> Done:
        """Store a part's files, each whole or not at all, the note last."""
        _whole(self.part(part.number), write)
        _whole(self.refusals(part.number), lambda path: _write_refusals(refused, path))
        done = Done(
            number=part.number,
            file=part.file,
            weight=part.weight,
            rows=rows,
            refused=len(refused),
            reasons=_counted(refused),
            size=_size(self.part(part.number)),
        )
        _whole(self.note(part.number), lambda path: path.write_text(done.model_dump_json(), encoding="utf-8"))
        self.text(part.number).unlink(missing_ok=True)
        return done


def folder_of(job: Job) -> Folder:
    """Where a job's parts are kept."""
    return Folder(Path(f"{job.output}.parts"))


@contextmanager
def open_folder(job: Job, *, notice: Callable[[str], None]) -> Iterator[Folder]:
    """The job's own folder, with the parts of an equal job that was broken off; removed when all went well.

    A folder of another job is emptied. Raises DataError where another run works in it.
    """
    folder = folder_of(job)
    folder.path.mkdir(exist_ok=True)
    with (folder.path / "lock").open("w") as lock:
        _take(lock.fileno(), folder.path)
        _adopt(folder.path, job, notice)
        yield folder
        shutil.rmtree(folder.path)


def _take(lock: int, path: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DataError(f"Another run writes to {path}.", remedy="Wait for it, or name another output.") from None


def _adopt(path: Path, job: Job, notice: Callable[[str], None]) -> None:
    order, wanted = path / "job.json", job.model_dump_json()
    if order.exists() and order.read_text(encoding="utf-8") != wanted:
        notice("the input, the model or an option is another than in the run that was broken off: starting anew")
        for name in path.iterdir():
            if name.name != "lock":
                name.unlink()
    _whole(order, lambda part: part.write_text(wanted, encoding="utf-8"))


def _whole(target: Path, write: Callable[[Path], object]) -> None:
    """A process that is killed leaves the whole file or none."""
    draft = target.with_name(f".{target.name}.{os.getpid()}.draft")
    write(draft)
    draft.replace(target)


def _write_refusals(refused: list[Refusal], path: Path) -> None:
    path.write_bytes(
        b"".join(
            orjson.dumps(
                {"row": refusal.row, "problems": refusal.problems, "raw": refusal.raw},
                default=str,
                option=orjson.OPT_APPEND_NEWLINE,
            )
            for refusal in sorted(refused, key=lambda refusal: refusal.row)
        )
    )


def _counted(refused: list[Refusal]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for refusal in refused:
        for problem in refusal.problems:
            reason = f"{problem['field']}: {problem['message']}"
            counts[reason] = counts.get(reason, 0) + 1
    return counts


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else -1
