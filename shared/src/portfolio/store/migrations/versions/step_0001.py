"""The audit: `model_deployments`, which only grows."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TABLE = "model_deployments"
REFUSED = f"{TABLE} is append-only"


def upgrade() -> None:
    """Create the table, and have the database itself refuse to alter what is in it."""
    op.create_table(
        TABLE,
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("operation", sa.String(32), nullable=False, index=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("project", sa.Text, nullable=False, index=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("action", "outcome", "from_version", "from_bundle")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("to_version", "to_bundle", "reason", "verdict")),
        sa.Column("forced", sa.Boolean, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("seconds", sa.Float),
    )
    if op.get_bind().dialect.name == "sqlite":
        _keep_in_sqlite()
    elif op.get_bind().dialect.name == "postgresql":
        _keep_in_postgresql()


def downgrade() -> None:
    """Not offered: it would destroy the audit."""
    raise NotImplementedError(REFUSED)


def _keep_in_sqlite() -> None:
    for what in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {TABLE}_no_{what.lower()} BEFORE {what} ON {TABLE} "
            f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
        )


def _keep_in_postgresql() -> None:
    op.execute(
        f"CREATE FUNCTION {TABLE}_refuse() RETURNS trigger LANGUAGE plpgsql "
        f"AS $$ BEGIN RAISE EXCEPTION '{REFUSED}'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {TABLE}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {TABLE}_refuse()"
    )
