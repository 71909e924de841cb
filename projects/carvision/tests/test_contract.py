"""carvision keeps the contract of every project."""

from carvision.model import SPEC
from portfolio.contract import ProjectContract


class TestCarvision(ProjectContract):
    """All of it, on this project's model."""

    spec = SPEC
