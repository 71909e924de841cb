"""The store: SQL tables and their migrations. SQLAlchemy is imported at first use: no service carries it."""

from portfolio.store.deployments import MOVES, Action, Deployment, Outcome, append, deployments, prepare

__all__ = ["MOVES", "Action", "Deployment", "Outcome", "append", "deployments", "prepare"]
