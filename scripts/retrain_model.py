"""`portfolio retrain` by the name that other platforms give it: `python scripts/retrain_model.py --model-name NAME`."""

import argparse
import os
import sys
from typing import NoReturn

from portfolio import terminal
from portfolio.cli import main


class Parser(argparse.ArgumentParser):
    """Its own code for a line that it does not understand is 2, which is a kept champion's here."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(terminal.USAGE, f"error: {message}\n")


if __name__ == "__main__":
    parser = Parser(description=__doc__)
    parser.add_argument("--model-name", required=True, help="the project")
    parser.add_argument("--tracking-uri", help="MLflow, else MLFLOW_TRACKING_URI")
    known, rest = parser.parse_known_args()  # what is left is for `portfolio retrain`: --data-path, --quick, --demo
    if known.tracking_uri:
        os.environ["MLFLOW_TRACKING_URI"] = known.tracking_uri
    sys.argv = ["portfolio", "retrain", known.model_name, *rest]
    main()
