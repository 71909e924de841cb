"""Errors that carry their HTTP status, what happened and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

Fault = Literal["unsigned", "unknown_key", "bad_signature", "altered", "unfit"]
"""What is wrong with a bundle, in one of a few words."""


class PortfolioError(Exception):
    """An error the reader can act on: one sentence of detail, one of remedy."""

    status = 500
    title = "Internal error"
    passes = False
    """Whether it may be gone a moment later, so that asking again makes sense."""

    def __init__(self, detail: str, *, remedy: str = "") -> None:
        super().__init__(f"{detail} {remedy}".strip())
        self.detail = detail
        self.remedy = remedy


class ConfigError(PortfolioError):
    """A setting or a configuration file says something that can't be meant."""

    title = "Configuration error"


class DataError(PortfolioError):
    """Training data is missing, unreadable or breaks the request class's rules."""

    title = "Data error"


class BundleError(PortfolioError):
    """A bundle is incomplete, altered, not signed by whom it should be, or doesn't score as it did when it was made.

    `reason` has few values, so a metric may count by it.
    """

    title = "Bundle refused"

    def __init__(self, detail: str, *, remedy: str = "", reason: Fault = "unfit") -> None:
        super().__init__(detail, remedy=remedy)
        self.reason = reason


class RegistryError(PortfolioError):
    """The MLflow registry can't be reached or refuses."""

    status = 503
    title = "Registry not available"


class NoSuchVersion(RegistryError):
    """The registry has no version of that number or alias."""

    status = 404
    title = "No such version"


class StoreError(PortfolioError):
    """The store's database can't be reached, or refuses."""

    status = 503
    title = "Store not available"


class ReportError(PortfolioError):
    """A monitoring run's report could not be made or written; what the run decided stands."""

    title = "No report"


class NotPromoted(PortfolioError):
    """A version that may not, or could not, become the champion; who was before goes on."""

    status = 409
    title = "Not promoted"


class NotAdmitted(PortfolioError):
    """An admin path is closed (403), or the key is missing or wrong (401)."""

    title = "Not admitted"

    def __init__(self, detail: str, *, remedy: str = "", status: int = 401) -> None:
        super().__init__(detail, remedy=remedy)
        self.status = status


class NotReloaded(PortfolioError):
    """The version that was asked for is refused (409), or it did not come in time (503); the old one goes on."""

    title = "Not reloaded"

    def __init__(self, detail: str, *, remedy: str = "", status: int = 503) -> None:
        super().__init__(detail, remedy=remedy)
        self.status = status


class Overloaded(PortfolioError):
    """More connections are open, or more batches wait, than this worker serves."""

    status = 503
    title = "Overloaded"
    passes = True


class JournalFull(PortfolioError):
    """A prediction can't be kept, and JOURNAL_WHEN_FULL says that it shall not be answered then."""

    status = 503
    title = "Journal full"
    passes = True


class ModelNotAvailable(PortfolioError):
    """No good bundle is loaded, so nothing can be predicted."""

    status = 503
    title = "Model not available"


class RequestRefused(PortfolioError):
    """A client's request breaks the contract; `problems` names each field and what is allowed there."""

    status = 422
    title = "Request refused"

    def __init__(
        self, detail: str, *, remedy: str = "", status: int = 422, problems: Sequence[Mapping[str, object]] = ()
    ) -> None:
        super().__init__(detail, remedy=remedy)
        self.status = status
        self.problems = tuple(problems)
