"""`bankchurn ...`: the portfolio's commands for this project alone."""

from bankchurn.model import SPEC
from portfolio.cli import project_command

main = project_command(SPEC)
