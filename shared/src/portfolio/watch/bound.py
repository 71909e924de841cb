"""`python -m portfolio.watch.bound PARENT COMMAND...`: become a program that ends when its parent does."""

from __future__ import annotations

import os
import sys

from portfolio.serving.parent import end_with

if __name__ == "__main__":
    parent, *command = sys.argv[1:]
    end_with(int(parent))
    os.execv(command[0], command)  # the kernel keeps the promise over it
