# Every task of this repository; CI calls nothing else. `make help` lists them.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := help
# Without bytecode beside the libraries every process of a stack would compile them again: 6 s instead of 2.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
PORTFOLIO := $(BIN)/portfolio
# PROJECT=bankchurn does one project; without it a task does all of them. ARGS go to the command as they are.
PROJECT ?=
ARGS ?=

# Named by all that the environment depends on, the repository's place included: nothing changed, nothing to do.
STAMP := .venv/.installed-$(shell (pwd; cat requirements/*.txt shared/pyproject.toml projects/*/pyproject.toml \
	scripts/install.sh) | sha256sum | cut -c1-16)

ifneq ($(filter api-start,$(MAKECMDGOALS)),)
ifeq ($(PROJECT),)
$(error api-start needs a project: make api-start PROJECT=bankchurn)
endif
endif

.PHONY: help install upgrade-deps data keys train evaluate twin-report demo demo-up demo-down mlflow api-start \
	test test-fast lint format check bench clean distclean

##@ Start here
help: ## List every task
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf '\nPROJECT=name limits a task to one project; ARGS="..." is passed on to the command.\n'

demo: install ## Train what is missing, start MLflow and every API, show where they are; Ctrl-C stops all
	@$(PORTFOLIO) demo run $(ARGS)

demo-up: install ## The same in the background
	@$(PORTFOLIO) demo up $(ARGS)

demo-down: install ## Stop what demo-up started
	@$(PORTFOLIO) demo down $(ARGS)

##@ Environment
install: $(STAMP) ## Make .venv from the locks; does nothing when nothing changed
	@:

$(STAMP):
	@scripts/install.sh $@

upgrade-deps: install ## Solve requirements/*.in anew and rewrite the locks
	@scripts/lock.sh

##@ Models
data: install ## Fetch the data sets into data/raw
	@$(PORTFOLIO) data $(PROJECT) $(ARGS)

keys: install ## Make the keys that sign models, in keys/, where there are none
	@$(PORTFOLIO) keys

train: install ## Train, register and gate
	@$(PORTFOLIO) keys > /dev/null
	@$(PORTFOLIO) train $(or $(PROJECT),--all) $(ARGS)

evaluate: install ## Quality over many splits, beside LightGBM's defaults
	@$(PORTFOLIO) evaluate $(PROJECT) $(ARGS)

twin-report: install ## What the synthetic samples are worth against the real data
	@$(PORTFOLIO) twin report $(PROJECT) $(ARGS)

##@ Services
api-start: install ## Serve one project: make api-start PROJECT=bankchurn [PORT=8001]
	@$(PORTFOLIO) serve $(PROJECT) $(if $(PORT),--port $(PORT)) $(ARGS)

mlflow: install ## MLflow alone, in the foreground on port 5000
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh -c "$$(sed -n 's/^mlflow: *//p' Procfile) $(ARGS)"

##@ Quality
test: install ## All tests
	@$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

test-fast: install ## All but the end-to-end tests
	@$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile -m "not e2e" $(ARGS)

lint: install ## Style, types and the layers of the architecture; changes nothing
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: install ## Repair what the linter can repair
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

check: lint test ## What CI runs

bench: install ## Measure the services beside their peers, write docs/benchmarks.md; --quick to try it out
	@$(PORTFOLIO) keys > /dev/null
	@bench/peers/install.sh
	@$(BIN)/python -m bench $(ARGS)

##@ Cleaning
clean: ## Remove caches and build output; data, models and mlruns stay
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
	@rm -rf shared/dist projects/*/dist
	@find . \( -path ./.venv -o -path ./.bench \) -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

distclean: clean ## The same, .venv and .bench
	@rm -rf .venv .bench
