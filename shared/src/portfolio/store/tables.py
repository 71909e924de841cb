"""The tables as the newest migration leaves them."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Float, Integer, MetaData, String, Table, Text

METADATA = MetaData()

MODEL_DEPLOYMENTS = Table(
    "model_deployments",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
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
