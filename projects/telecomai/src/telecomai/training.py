"""`python -m telecomai.training`: one training run."""

from portfolio.training import training_command
from telecomai.model import SPEC

main = training_command(SPEC)

if __name__ == "__main__":
    main()
