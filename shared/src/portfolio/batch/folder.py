"""The folder beside the output where finished parts are kept until all are there."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
from pydantic import ValidationError

from portfolio.batch.job import Done, Job, Part
from portfolio.batch.rows import Refusal
from portfolio.errors import DataError

JOB, LOCK, TOTAL = "job.json", "lock", "total"
LASTING = rf"(\d{{6,}}\.(part|rejected|text|json)|{TOTAL}|(output|rejected)\.draft)"
REMOVED = re.compile(rf"{LASTING}|\.({LASTING}|{re.escape(JOB)})\.\d+\.draft")
"""Names of a job's files, but for those that tell that the folder is a job's."""
BEGUN = re.compile(rf"{LOCK}|\.{re.escape(JOB)}\.\d+\.draft")
"""Names that a run may leave before its job is noted."""


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
        notes = (_noted(path) for path in self.path.glob("*[0-9].json"))
        return {done.number: done for done in notes if done and self._holds(done)}

    def note_total(self, parts: int) -> None:
        """Note how many parts the whole input has."""
        _whole(self.path / TOTAL, lambda path: path.write_text(str(parts), encoding="utf-8"))

    def total(self) -> int:
        """How many parts the whole input has; 0 as long as it is not cut to its end."""
        noted = self.path / TOTAL
        return int(noted.read_text(encoding="utf-8")) if noted.exists() else 0

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

    def _holds(self, done: Done) -> bool:
        return _size(self.part(done.number)) == done.size and self.refusals(done.number).exists()


def folder_of(job: Job) -> Folder:
    """Where a job's parts are kept."""
    return Folder(Path(f"{job.output}.parts"))


@contextmanager
def open_folder(job: Job, *, notice: Callable[[str], None]) -> Iterator[Folder]:
    """The job's own folder, with the parts of an equal job that was broken off; removed when all went well.

    What another job left is removed. Raises DataError where another run works in it, and where it is no job's.
    """
    folder = folder_of(job)
    folder.path.mkdir(exist_ok=True)
    _check_ours(folder.path)
    with (folder.path / LOCK).open("w") as lock:
        _take(lock.fileno(), folder.path)
        _adopt(folder.path, job, notice)
        yield folder
        _remove(folder.path, notice)


def _check_ours(path: Path) -> None:
    """Before anything is written there: at the end the folder goes, and a user's own must not."""
    others = sorted(file.name for file in path.iterdir() if not BEGUN.fullmatch(file.name))
    if others and not _is_job(path / JOB):
        raise DataError(
            f"{path} is needed for unfinished parts, and holds what no scoring job put there: {', '.join(others[:5])}.",
            remedy="Move that folder away, or name another output.",
        )


def _is_job(note: Path) -> bool:
    try:
        Job.model_validate_json(note.read_bytes())
    except (OSError, ValidationError):
        return False
    return True


def _noted(note: Path) -> Done | None:
    """A finished part, or nothing where the note can't be read: then the part is scored again."""
    try:
        return Done.model_validate_json(note.read_bytes())
    except (OSError, ValidationError):
        return None


def _take(lock: int, path: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DataError(f"Another run writes to {path}.", remedy="Wait for it, or name another output.") from None


def _adopt(path: Path, job: Job, notice: Callable[[str], None]) -> None:
    order, wanted = path / JOB, job.model_dump_json()
    if order.exists() and order.read_text(encoding="utf-8") != wanted:
        notice("the input, the model or an option is another than in the run that was broken off: starting anew")
        _clear(path)
    _whole(order, lambda part: part.write_text(wanted, encoding="utf-8"))


def _clear(path: Path) -> None:
    for file in path.iterdir():
        if REMOVED.fullmatch(file.name) and not file.is_dir():
            file.unlink(missing_ok=True)


def _remove(path: Path, notice: Callable[[str], None]) -> None:
    """The job's note goes after its parts, so that a run killed here leaves a folder that is known as a job's."""
    _clear(path)
    (path / JOB).unlink(missing_ok=True)
    (path / LOCK).unlink(missing_ok=True)
    try:
        path.rmdir()
    except OSError:
        notice(f"{path} stays: it holds what is not of this job")


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
