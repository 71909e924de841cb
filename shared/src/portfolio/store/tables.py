"""The tables as the newest migration leaves them."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

METADATA = MetaData()
DOCUMENT = JSON().with_variant(JSONB(), "postgresql")
NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""Counted up by SQLite only where it is called INTEGER."""
NOT_REPLACED = text("reason <> 'replaced'")
"""Of labels that were overruled every one is kept."""


class Moment(TypeDecorator[datetime]):
    """A time, in UTC on both sides: SQLite keeps no zone, and PostgreSQL answers in the session's."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """In UTC; one without a zone is meant so."""
        return value if value is None or value.tzinfo is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """With its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


MODEL_DEPLOYMENTS = Table(
    "model_deployments",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    Column("operation", String(32), nullable=False, index=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("who", Text, nullable=False),
    Column("project", Text, nullable=False, index=True),
    Column("action", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("from_version", Text, nullable=False),
    Column("from_bundle", Text, nullable=False),
    Column("to_version", Text, nullable=False),
    Column("to_bundle", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("forced", Boolean, nullable=False),
    Column("detail", Text, nullable=False),
    Column("seconds", Float),
)

MODEL_PREDICTIONS = Table(
    "model_predictions",
    METADATA,
    Column("prediction_id", String(36), primary_key=True),
    Column("at", Moment, nullable=False),
    Column("project", Text, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("bundle", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("features", DOCUMENT, nullable=False),
    Column("score", Float, nullable=False),
    Column("decision", Integer),
    Column("latency_ms", Float, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("entity_id", Text, nullable=False),
    Index("ix_model_predictions_project_at", "project", "at", "role"),
    sqlite_with_rowid=False,  # ids grow with time: one tree, filled at its end
)

PREDICTION_MINUTES = Table(  # sums by minute: totals of a million predictions are asked for every few seconds
    "prediction_minutes",
    METADATA,
    Column("project", Text, primary_key=True),
    Column("role", String(16), primary_key=True),
    Column("minute", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
    Column("positive", Integer),
    Column("total", Float, nullable=False),
    Column("squares", Float, nullable=False),
    Column("labelled", Integer, nullable=False),
    sqlite_with_rowid=False,
)

LABELS = Table(
    "labels",
    METADATA,
    Column("prediction_id", String(36), primary_key=True),
    Column("project", Text, nullable=False),
    Column("predicted_at", Moment, nullable=False),
    Column("true_label", Float, nullable=False),
    Column("label_timestamp", Moment, nullable=False),
    Column("label_source", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Index("ix_labels_project_label_timestamp", "project", "label_timestamp", "predicted_at"),
    sqlite_with_rowid=False,
)

LABELS_ASIDE = Table(
    "labels_aside",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    Column("prediction_id", String(36), nullable=False),
    Column("project", Text, nullable=False),
    Column("true_label", Float, nullable=False),
    Column("label_timestamp", Moment, nullable=False),
    Column("label_source", Text, nullable=False),
    Column("reason", String(16), nullable=False),
    Column("at", Moment, nullable=False),
    Index(  # without the time, which is now where a client leaves it out, and comes again
        "uq_labels_aside_row",
        *("prediction_id", "project", "reason", "true_label", "label_source"),
        unique=True,
        sqlite_where=NOT_REPLACED,
        postgresql_where=NOT_REPLACED,
    ),
    Index("ix_labels_aside_reason_project", "reason", "project", "id"),
)

TRAINING_DATASETS = Table(
    "training_datasets",
    METADATA,
    Column("project", Text, primary_key=True),
    Column("bundle", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("licence", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("synthetic", Boolean, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("out_of_scope", Integer, nullable=False),
    Column("git_commit", Text, nullable=False),
    Column("at", Moment, nullable=False),
)

MONITORING_RUNS = Table(
    "monitoring_runs",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    Column("project", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("since", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("bundle", Text, nullable=False),
    Column("decision", String(16), nullable=False),
    Column("reasons", DOCUMENT, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("labelled", Integer, nullable=False),
    Column("findings", DOCUMENT, nullable=False),
    Column("report", Text, nullable=False),
    Column("seconds", Float, nullable=False),
    Index("ix_monitoring_runs_project_at", "project", "at"),
)
