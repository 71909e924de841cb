"""telecomai keeps the contract of every project."""

from portfolio.contract import ProjectContract
from telecomai.model import SPEC


class TestTelecomai(ProjectContract):
    """All of it, on this project's model."""

    spec = SPEC
