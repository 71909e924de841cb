"""`portfolio monitor` as other platforms call it: `python scripts/check_drift.py --model NAME --days 7`."""

import argparse
import sys
from typing import NoReturn

try:
    from portfolio import terminal
    from portfolio.cli import main
except ImportError as missing:  # Python's own exit code, 1, would say that a model is to be watched
    sys.stderr.write(f"error: {missing}. Run it as .venv/bin/python {sys.argv[0]}, or activate .venv first.\n")
    sys.exit(3)


class Parser(argparse.ArgumentParser):
    """Its own code for a line that it does not understand is 2, which is a model to act on here."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(terminal.USAGE, f"error: {message}\n")


if __name__ == "__main__":
    parser = Parser(description=__doc__, epilog="Exit code: 0 ok, 1 watch, 2 retrain or roll back, 3 could not judge.")
    parser.add_argument("--model", help="the project; all when left out")
    known, rest = parser.parse_known_args()  # what is left is for `portfolio monitor`: --days
    sys.argv = ["portfolio", "monitor", *([known.model] if known.model else []), *rest]
    main()
