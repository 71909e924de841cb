"""`telecomai ...`: the portfolio's commands for this project alone."""

from portfolio.cli import project_command
from telecomai.model import SPEC

main = project_command(SPEC)
