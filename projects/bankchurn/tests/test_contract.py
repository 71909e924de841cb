"""bankchurn keeps the contract of every project."""

from bankchurn.model import SPEC
from portfolio.contract import ProjectContract


class TestBankchurn(ProjectContract):
    """All of it, on this project's model."""

    spec = SPEC
