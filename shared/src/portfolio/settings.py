"""Settings from the environment and `.env` (one machine), and from a project's `configs/config.yaml` (one model)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from portfolio.errors import ConfigError
from portfolio.logs import LogFormat

Imbalance = Literal["none", "class_weight", "smote", "undersample"]
Effort = Literal["full", "demo", "quick"]
Address = Annotated[str, Field(pattern=r"^https?://[^/]")]


RELATIVE = re.compile(r"(sqlite(?:\+\w+)?:///)(?!/|:memory:|file:)(.+)")
"""A store in a file that is named from where one stands."""


class Settings(BaseSettings):
    """What differs between machines. Every field is an environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, env_ignore_empty=False)

    mlflow_tracking_uri: str = "http://localhost:5000"  # empty: work without a registry
    mlflow_timeout_seconds: float = 2.0  # a dead server must cost a start two seconds, not MLflow's 247
    registry_poll_seconds: float = Field(5.0, gt=0)  # between two looks at the registry's champion
    admin_key: SecretStr = SecretStr("")  # opens /admin/*; empty: closed
    data_mirror: str = ""
    database_url: str = ""  # the store, as SQLAlchemy names it; empty: store/portfolio.db of the repository
    store_retention_days: int = Field(365, ge=1, le=36_500)  # what is older is pruned; the audit of promotions stays
    journal_max_mb: int = Field(1024, ge=1)  # of predictions that the store does not have yet, of one service
    journal_when_full: Literal["oldest", "refuse"] = "oldest"  # drop the oldest predictions, or refuse new ones
    journal_fsync: bool = False  # have every prediction survive a loss of power, not only a process that dies
    monitoring_interval_seconds: float = Field(900.0, gt=0)  # between two runs of the monitoring service
    monitoring_days: float = Field(7.0, ge=0.001)  # of predictions that a run looks at
    audit_user: str = ""  # whom the audit names; empty: the user of this process and the host
    api_addresses: dict[str, Address] = {}  # of running APIs by project, where not this machine at the configured port
    log_level: str = "INFO"
    log_format: LogFormat | None = None  # None: text on a terminal, else JSON
    access_log: bool = False  # a JSON line for every request
    workers: int = Field(1, ge=1)  # processes of one service behind its port
    max_connections: int = Field(1000, ge=1)  # open ones of a worker; further ones are answered with 503
    read_seconds: float = Field(30.0, gt=0)  # from a connection's start, or a request's first byte, to its last
    drain_seconds: float = Field(5.0, ge=0)  # between SIGTERM and the stop, while balancers look elsewhere
    signing_key: str = ""  # file with the private key; empty: keys/bundle.key of the repository
    bundle_public_key: str = ""  # trusted keys, see bundle/keys.py; empty: the file beside the private key
    allow_unsigned: bool = False  # accept bundles that nobody signed

    @property
    def signing_key_file(self) -> Path:
        """Where the private key is, if this machine has one."""
        if self.signing_key:
            return Path(self.signing_key)
        return _home() / "keys" / "bundle.key"

    @property
    def public_key_file(self) -> Path:
        """Where the public key is that belongs to it."""
        return self.signing_key_file.with_suffix(".pub")

    @property
    def store_address(self) -> str:
        """Where the store is, as SQLAlchemy names it; a file's relative path is one of the repository."""
        if file := RELATIVE.fullmatch(self.database_url):
            return f"{file[1]}{_home() / file[2]}"
        return self.database_url or f"sqlite:///{_home() / 'store' / 'portfolio.db'}"

    @property
    def drift_reports(self) -> Path:
        """Where monitoring runs write their reports."""
        return _home() / "monitoring" / "reports" / "drift_reports"

    @property
    def labels_inbox(self) -> Path:
        """The file that people append labels to."""
        return _home() / "monitoring" / "labels" / "labels.csv"

    def patient(self) -> Settings:
        """With a person's time for a registry that is slow to wake; a service has less, and a model took minutes."""
        return self.model_copy(update={"mlflow_timeout_seconds": 20.0})

    @property
    def registry_address(self) -> str:
        """The tracking URI as it may be shown: without user and password."""
        return re.sub(r"^([A-Za-z]+://)?.*@", r"\1", self.mlflow_tracking_uri)


def _home() -> Path:
    return repository(Path.cwd()) or repository(Path(__file__).parent) or Path.cwd()


def repository(folder: Path) -> Path | None:
    """The repository that a folder is in: itself or the nearest one above it that holds the Procfile."""
    return next((place for place in (folder, *folder.parents) if (place / "Procfile").is_file()), None)


def read_settings() -> Settings:
    """Settings wherever in the repository this runs; a value that can't be meant raises ConfigError naming it."""
    try:
        return Settings(_env_file=(_home() / ".env", ".env"))
    except ValidationError as error:
        problems = "; ".join(f"{str(loc[0]).upper()}{_key(loc[1:])}: {said}" for loc, said in _problems(error))
        raise ConfigError(f"{problems}.", remedy="Correct the environment, or .env.") from None
    except SettingsError:
        raise ConfigError(
            "API_ADDRESSES is no JSON object of addresses by project.", remedy="See .env.example."
        ) from None


class Strict(BaseModel):
    """Part of a configuration file; a misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Part = TypeVar("Part", bound=Strict)


class Budget(Strict):
    """How much a search may cost: `trials` is the budget, `seconds` only the brake."""

    trials: int = Field(ge=1)
    seconds: float = Field(gt=0)


class Range(Strict):
    """Bounds of one searched parameter; whole where both bounds are."""

    low: int | float
    high: int | float
    log: bool = False


class TreeSearch(Strict):
    """LightGBM parameters: `fixed` ones, the `first` trial (good known values), and the `space` of the others."""

    fixed: dict[str, int | float | str | bool] = {}
    first: dict[str, int | float] = {}
    space: dict[str, Range] = {}


class TrainingConfig(Strict):
    """How a project is trained."""

    seed: int = 42
    folds: int = Field(5, ge=2)
    imbalance: Imbalance = "none"
    max_bad_rows: int = Field(100, ge=0)
    bootstrap: int = Field(1000, ge=100)
    evaluation_seeds: int = Field(20, ge=2)
    budgets: dict[Effort, Budget] = {
        "full": Budget(trials=20, seconds=60),
        "demo": Budget(trials=8, seconds=25),
        "quick": Budget(trials=1, seconds=10),
    }
    trees: TreeSearch = TreeSearch()


class Override(Strict):
    """Another `limit` for the rule of that name, with the reason that the verdict shows."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    rule: str
    limit: float = Field(allow_inf_nan=False)
    reason: str = Field(min_length=1)


class GateConfig(Strict):
    """What differs from the rules that the spec declares."""

    overrides: tuple[Override, ...] = ()


class CardConfig(Strict):
    """What a model card says that no figure tells: what the model is for, and where it should not be relied on."""

    use: str = ""
    limits: tuple[str, ...] = ()


class Limits(Strict):
    """A figure beyond `watch` is watched, one beyond `act` is acted on."""

    watch: float = Field(gt=0)
    act: float = Field(gt=0)


class MonitoringConfig(Strict):
    """The policy by which a monitoring run decides.

    `psi` is of one column, `drifted` the share of columns beyond their limit; `loss` is how much worse the headline
    metric is than on the test rows (F1 of a yes-or-no model, the mean absolute error of an amount), as a share of it;
    `brier` is a probability's mean squared error. `labels` is the number that a performance is judged by at least.
    """

    psi: Limits = Limits(watch=0.1, act=0.2)
    drifted: Limits = Limits(watch=0.3, act=0.5)
    loss: Limits = Limits(watch=0.05, act=0.10)
    brier: float = Field(0.20, gt=0)
    labels: int = Field(100, ge=10)


class Config(Strict):
    """One project's `configs/config.yaml`. `journal` says whether its predictions are kept."""

    port: int = Field(ge=1, le=65535)
    journal: bool = True
    monitoring: MonitoringConfig = MonitoringConfig()
    training: TrainingConfig = TrainingConfig()
    gate: GateConfig = GateConfig()
    card: CardConfig = CardConfig()
    response: dict[str, Any] = {}


def read_config(path: Path) -> Config:
    """Read and check a project's `configs/config.yaml`."""
    return read_yaml(path, Config)


def read_yaml(path: Path, kind: type[Part]) -> Part:
    """Read and check a configuration file; a wrong key or value raises ConfigError naming it."""
    try:
        return kind.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist.", remedy="See CONTRIBUTING.md: a new project.") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is no YAML: {' '.join(str(error).split())}.", remedy="Correct it there.") from None
    except ValidationError as error:
        problems = "; ".join(f"{_key(loc).lstrip('.') or 'the file'}: {said}" for loc, said in _problems(error))
        raise ConfigError(f"{path}: {problems}.", remedy="Correct what is named.") from None


def _problems(error: ValidationError) -> list[tuple[tuple[int | str, ...], str]]:
    """Where something is wrong, and what, without the value: it may be a secret."""
    return [
        (problem["loc"], problem["msg"].removeprefix("Value error, "))
        for problem in error.errors(include_url=False, include_input=False)
    ]


def _key(place: Sequence[int | str]) -> str:
    return "".join(f".{part}" for part in place)
