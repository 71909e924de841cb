"""Bring a registered version to a stage, for people who know that name: `portfolio promote` does the same."""

from argparse import ArgumentParser

from portfolio import terminal
from portfolio.promotion.stages import move_to
from portfolio.settings import read_settings
from portfolio.spec.projects import find_project, only_project


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--version", required=True, help="number, alias or stage")
    parser.add_argument("--model-name", default="", help="project; may be left out where only one is installed")
    parser.add_argument("--tracking-uri", default="", help="registry, else MLFLOW_TRACKING_URI")
    parser.add_argument("--stage", default="Production", help="Production, Staging or Archived")
    parser.add_argument("--archive-current", action="store_true", help="put the champion before away")
    asked = parser.parse_args()

    def command() -> None:
        settings = read_settings().patient()
        if asked.tracking_uri:
            settings = settings.model_copy(update={"mlflow_tracking_uri": asked.tracking_uri})
        spec = find_project(asked.model_name or only_project())
        line = move_to(asked.stage, spec, asked.version, settings, archive_current=asked.archive_current)
        terminal.output().print(line, markup=False)

    terminal.run(command)


if __name__ == "__main__":
    main()
