"""The store: SQL tables and their migrations. SQLAlchemy is imported at first use: no service carries it."""

from portfolio.store.deployments import Action, Deployment, Outcome, append, deployments, prepare

__all__ = ["Action", "Deployment", "Outcome", "append", "deployments", "prepare"]
