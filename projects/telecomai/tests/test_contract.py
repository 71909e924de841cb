"""telecomai keeps the contract of every project."""

from telecomai.model import SPEC
from portfolio.contract import ProjectContract


class TestTelecomai(ProjectContract):
    """All of it, on this project's model."""

    spec = SPEC
