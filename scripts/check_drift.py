"""Judge a model by the predictions it made, for people who know that name: `portfolio monitor` does the same."""

from argparse import ArgumentParser

from portfolio import terminal
from portfolio.monitoring.command import run_monitoring
from portfolio.spec.projects import find_project, only_project


def main() -> None:
    parser = ArgumentParser(description=__doc__, epilog="Exit code: 0 ok, 1 watch, 2 act, 3 could not judge.")
    parser.add_argument("--model", default="", help="project; may be left out where only one is installed")
    parser.add_argument("--days", type=float, default=None, help="of predictions to look at, else MONITORING_DAYS")
    parser.exit_on_error = False
    asked = parser.parse_args()

    def command() -> int:
        return run_monitoring([find_project(asked.model or only_project())], days=asked.days)

    terminal.run(command, failed=3)


if __name__ == "__main__":
    main()
