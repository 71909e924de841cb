"""`training_datasets`: what each registered model was trained on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from portfolio.settings import Settings


@dataclass(frozen=True)
class Dataset:
    """The training data of one bundle, by content. `rows` were trained and tested on; the others were left out."""

    project: str
    bundle: str
    name: str
    licence: str
    sha256: str
    synthetic: bool
    rows: int
    refused: int
    out_of_scope: int
    git_commit: str
    at: datetime


def add_dataset(dataset: Dataset, settings: Settings) -> None:
    """Store what a bundle was trained on, once. Raises StoreError."""
    from portfolio.store.database import insert, writing
    from portfolio.store.tables import TRAINING_DATASETS as TABLE

    with writing(settings) as connection:
        connection.execute(insert(connection, TABLE).values(**asdict(dataset)).on_conflict_do_nothing())


def datasets(settings: Settings, *, project: str) -> tuple[Dataset, ...]:
    """What a project's models were trained on, oldest first. Raises StoreError."""
    from portfolio.store.database import reading
    from portfolio.store.tables import TRAINING_DATASETS as TABLE

    query = TABLE.select().where(TABLE.c.project == project).order_by(TABLE.c.at)
    with reading(settings, TABLE.name) as connection:
        return tuple(Dataset(**row) for row in connection.execute(query).mappings()) if connection else ()
