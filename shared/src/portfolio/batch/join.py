"""The end of a job: parts become one output, refused rows one file beside it, and the count of both a summary."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import orjson

from portfolio.batch.folder import Folder
from portfolio.batch.inputs import check_unchanged
from portfolio.batch.job import Done, Job
from portfolio.batch.outputs import join_parts
from portfolio.errors import DataError
from portfolio.spec import ModelSpec


@dataclass(frozen=True)
class Summary:
    """What came of a job. `rejected` is the file of refused rows, None where there are none."""

    job: Job
    rows: int
    refused: int
    reasons: dict[str, int]
    rejected: Path | None


def join(job: Job, spec: ModelSpec, folder: Folder) -> Summary:
    """Put the output in its place in one step; an old file of refused rows does not outlive it.

    Raises DataError where the input changed or a part is missing, with nothing written to the output.
    """
    check_unchanged(job)
    done = _all_parts(folder)
    output, rejected = Path(job.output), Path(f"{job.output}.rejected.jsonl")
    draft, refusals = folder.path / "output.draft", folder.path / "rejected.draft"
    join_parts(job, spec, [folder.part(one.number) for one in done], draft)
    _join_refusals(job, folder, done, refusals)
    rejected.unlink(missing_ok=True)
    if refusals.stat().st_size:
        refusals.replace(rejected)
    draft.replace(output)
    return _summary(job, done, rejected if rejected.exists() else None)


def _all_parts(folder: Folder) -> list[Done]:
    done, total = folder.finished(), folder.total()
    odd = sorted(done.keys() ^ set(range(total)))
    if odd or not total:
        which = f"look for {', '.join(map(str, odd[:10]))}" if total else "their total is not known"
        raise DataError(
            f"{folder.path} does not hold exactly the parts of the input: {which}.",
            remedy="Run the same command again; if it says the same, remove that folder first.",
        )
    return [done[number] for number in range(total)]


def _join_refusals(job: Job, folder: Folder, done: list[Done], target: Path) -> None:
    """Number the rows within their file, as the parts number them within themselves."""
    before = [0] * len(job.inputs)
    with target.open("wb") as out:
        for one in done:
            with folder.refusals(one.number).open("rb") as lines:
                for line in lines:
                    refusal = orjson.loads(line)
                    refusal["row"] += before[one.file]
                    named = {"file": job.inputs[one.file].path, **refusal}
                    out.write(orjson.dumps(named, option=orjson.OPT_APPEND_NEWLINE))
            before[one.file] += one.rows


def _summary(job: Job, done: list[Done], rejected: Path | None) -> Summary:
    reasons: dict[str, int] = {}
    for one in done:
        for reason, count in one.reasons.items():
            reasons[reason] = reasons.get(reason, 0) + count
    return Summary(job, sum(one.rows for one in done), sum(one.refused for one in done), reasons, rejected)
