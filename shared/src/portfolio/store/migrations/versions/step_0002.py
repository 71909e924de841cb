"""Predictions, the labels that came for them, what models were trained on, and what monitoring found."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    _predictions()
    _labels()
    _datasets()
    _runs()


def downgrade() -> None:
    """Not offered: it would destroy what was observed."""
    raise NotImplementedError("predictions and labels are not thrown away")


def _predictions() -> None:
    op.create_table(
        "model_predictions",
        sa.Column("prediction_id", sa.String(36), primary_key=True),
        sa.Column("at", MOMENT, nullable=False),
        *_texts("project", "model_version", "bundle"),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("features", DOCUMENT, nullable=False),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("decision", sa.Integer),
        sa.Column("latency_ms", sa.Float, nullable=False),
        *_texts("request_id", "entity_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_model_predictions_project_at", "model_predictions", ["project", "at", "role"])
    op.create_table(
        "prediction_minutes",
        sa.Column("project", sa.Text, primary_key=True),
        sa.Column("role", sa.String(16), primary_key=True),
        sa.Column("minute", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("positive", sa.Integer),
        sa.Column("total", sa.Float, nullable=False),
        sa.Column("squares", sa.Float, nullable=False),
        sa.Column("labelled", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )


def _labels() -> None:
    op.create_table(
        "labels",
        sa.Column("prediction_id", sa.String(36), primary_key=True),
        *_texts("project"),
        sa.Column("predicted_at", MOMENT, nullable=False),
        *_truth(),
        sa.Column("at", MOMENT, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_labels_project_label_timestamp", "labels", ["project", "label_timestamp", "predicted_at"])
    op.create_table(
        "labels_aside",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("prediction_id", sa.String(36), nullable=False),
        *_texts("project"),
        *_truth(),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_index(
        "uq_labels_aside_row",
        "labels_aside",
        ["prediction_id", "project", "reason", "true_label", "label_source"],
        unique=True,
        sqlite_where=sa.text("reason <> 'replaced'"),
        postgresql_where=sa.text("reason <> 'replaced'"),
    )
    op.create_index("ix_labels_aside_reason_project", "labels_aside", ["reason", "project", "id"])


def _datasets() -> None:
    op.create_table(
        "training_datasets",
        sa.Column("project", sa.Text, primary_key=True),
        sa.Column("bundle", sa.Text, primary_key=True),
        *_texts("name", "licence"),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("synthetic", sa.Boolean, nullable=False),
        *_counts("rows", "refused", "out_of_scope"),
        *_texts("git_commit"),
        sa.Column("at", MOMENT, nullable=False),
    )


def _runs() -> None:
    op.create_table(
        "monitoring_runs",
        sa.Column("id", NUMBER, primary_key=True),
        *_texts("project"),
        *(sa.Column(name, MOMENT, nullable=False) for name in ("at", "since", "until")),
        *_texts("model_version", "bundle"),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("reasons", DOCUMENT, nullable=False),
        *_counts("rows", "labelled"),
        sa.Column("findings", DOCUMENT, nullable=False),
        *_texts("report"),
        sa.Column("seconds", sa.Float, nullable=False),
    )
    op.create_index("ix_monitoring_runs_project_at", "monitoring_runs", ["project", "at"])


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _counts(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer, nullable=False) for name in names]


def _truth() -> list[sa.Column[object]]:
    return [
        sa.Column("true_label", sa.Float, nullable=False),
        sa.Column("label_timestamp", MOMENT, nullable=False),
        sa.Column("label_source", sa.Text, nullable=False),
    ]
