"""A process of the local engine: `python -m portfolio.batch.worker` scores the parts that it is fed, a line each."""

from __future__ import annotations

import gc
import os
import sys

import pyarrow as pa

from portfolio.batch.flow import score_part
from portfolio.batch.job import Done, Job, Part, Value
from portfolio.batch.model import Model, open_model
from portfolio.errors import DataError, PortfolioError

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""To be set before a worker starts."""
KEPT = "Finished parts are kept: mend it, and run the same command again."


class Answer(Value):
    """A finished part, or what kept it from being one."""

    done: Done | None = None
    detail: str = ""
    remedy: str = ""

    def unwrap(self) -> Done:
        """The finished part; raises DataError with what the worker reported."""
        if self.done is None:
            raise DataError(self.detail, remedy=self.remedy)
        return self.done


class Worker:
    """Scores parts of one job, with one thread."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._model: Model | None = None

    def score(self, part: Part) -> Answer:
        """Score a part. An error that a reader can act on is an answer too, as it has to reach another process."""
        try:
            self._model = self._model or self._prepare()
            return Answer(done=score_part(self._model, self._job, part))
        except PortfolioError as error:
            return Answer(detail=error.detail, remedy=error.remedy)
        except OSError as error:
            return Answer(detail=f"{error.filename or part.path}: {error.strerror or error}.", remedy=KEPT)
        except pa.ArrowException as error:
            return Answer(detail=f"{part.path} can't be read: {error}.", remedy=KEPT)
        finally:
            gc.collect()

    def _prepare(self) -> Model:
        pa.set_cpu_count(1)
        pa.set_io_thread_count(1)
        model = open_model(self._job)
        # the collector would walk through a part's answers again and again; between parts is enough
        gc.freeze()
        gc.disable()
        return model


def main() -> None:
    """Read a job, then its parts, until the input ends: so a worker ends with whoever feeds it, however that ends."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", buffering=1) as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a project prints is no answer
        worker = Worker(Job.model_validate_json(sys.stdin.readline()))
        for line in sys.stdin:
            answers.write(worker.score(Part.model_validate_json(line)).model_dump_json() + "\n")


if __name__ == "__main__":
    main()
