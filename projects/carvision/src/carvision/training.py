"""`python -m carvision.training`: one training run."""

from carvision.model import SPEC
from portfolio.training import training_command

main = training_command(SPEC)

if __name__ == "__main__":
    main()
