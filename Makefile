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

NEED_PROJECT := $(filter retrain api-start docker-release,$(MAKECMDGOALS))
ifneq ($(NEED_PROJECT),)
ifeq ($(PROJECT),)
$(error $(NEED_PROJECT) needs a project: make $(NEED_PROJECT) PROJECT=bankchurn)
endif
endif

# Images are called portfolio/bankchurn-serve and so on; IMAGE_PREFIX=ghcr.io/owner/ for a registry, which wants lower case.
ifdef IMAGE_PREFIX
override IMAGE_PREFIX := $(shell tr '[:upper:]' '[:lower:]' <<<'$(IMAGE_PREFIX)')
export IMAGE_PREFIX
endif
PROJECTS := $(patsubst projects/%/pyproject.toml,%,$(wildcard projects/*/pyproject.toml))
NAMED = $(if $(value PROJECT),$(filter $(value PROJECT),$(PROJECTS)),$(PROJECTS))

.PHONY: help install upgrade-deps data dvc-remote keys train retrain evaluate drift docs-models twin-report demo demo-up demo-down mlflow api-start health logs-api logs-monitoring \
	docker-demo docker-demo-down docker-logs docker-build docker-release docker-push docker-clean docker-test \
	docker-save docker-load docker-digests test test-fast lint format check scan bench drill-lifecycle drill-journal drift-calibration docker-observability screenshots test-servers projects-json clean distclean

##@ Start here
help: ## List every task
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf '\nPROJECT=name limits a task to one project; ARGS="..." is passed on to the command.\n'

demo: install ## Train what is missing, start MLflow, every API, monitoring and the dashboard; Ctrl-C stops all
	@scripts/admin-key.sh
	@$(PORTFOLIO) demo run $(ARGS)

demo-up: install ## The same in the background
	@scripts/admin-key.sh
	@$(PORTFOLIO) demo up $(ARGS)

demo-down: install ## Stop what demo-up started
	@$(PORTFOLIO) demo down $(ARGS)

##@ Containers
docker-demo: ## The same as containers: build images, train what is missing, start, show where everything is
	@scripts/docker-demo.sh

docker-observability: ## The same with Prometheus (9090), Alertmanager (9093) and Grafana (3001)
	@WHO=$@ COMPOSE_PROFILES=observability scripts/docker-demo.sh

docker-demo-down: ## Stop the containers; models, data and caches stay in their volumes
	@WHO=$@; . scripts/docker.sh && docker compose --profile observability down --remove-orphans

docker-build: ## Build the images, tagged with version and commit, and print their sizes
	@PROJECT=$(PROJECT) scripts/docker-build.sh

docker-release: ## An image that serves by itself, champion and key baked in: make docker-release PROJECT=bankchurn
	@PROJECT=$(PROJECT) scripts/docker-release.sh

docker-push: ## Push what docker-build made; IMAGE_PREFIX=ghcr.io/owner/ names the registry
	@PROJECT=$(PROJECT) scripts/docker-push.sh

docker-clean: ## Stop the containers and remove their volumes and images; mlruns stays
	@scripts/docker-clean.sh

docker-test: install ## The containers on a real engine, from a cold start to nothing left
	@$(BIN)/pytest -m docker tests/containers $(ARGS)

docker-logs: ## What the containers say, and go on saying
	@WHO=$@; . scripts/docker.sh && docker compose --profile observability logs --follow --tail 100 $(ARGS)

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

# Your own DVC will do, so that data can be there before the environment is.
dvc-remote: $(if $(shell command -v dvc),,install) ## Let DVC of this clone use the storage in DVC_REMOTE_URL: a folder, s3://, ssh://
	@PATH="$(CURDIR)/$(BIN):$$PATH" dvc remote add --quiet --local --default --force storage \
	  "$${DVC_REMOTE_URL:?names the storage, a folder or an address such as s3://bucket/portfolio}"

keys: install ## Make the keys that sign models, in keys/, where there are none
	@$(PORTFOLIO) keys

# Exit code 2, a champion that is kept, is no failure of these two.
train: install ## Train, register and gate
	@$(PORTFOLIO) keys > /dev/null
	@$(PORTFOLIO) train $(or $(PROJECT),--all) $(ARGS) || { code=$$?; [ $$code -eq 2 ] || exit $$code; }

retrain: install ## Refresh the data, train, gate, promote or keep: make retrain PROJECT=bankchurn
	@$(PORTFOLIO) keys > /dev/null
	@$(PORTFOLIO) retrain $(PROJECT) $(ARGS) || { code=$$?; [ $$code -eq 2 ] || exit $$code; }

evaluate: install ## Quality over many splits, beside LightGBM's defaults
	@$(PORTFOLIO) evaluate $(PROJECT) $(ARGS)

# INPUT stays a variable of the shell: it may be any text. Exit code 1 is "watch", which is said and does not fail.
drift: install ## Compare today's rows of the source, or of INPUT, with those the model was tested on
	@$(PORTFOLIO) drift $(PROJECT) $${INPUT:+--input "$$INPUT"} $(ARGS) || { code=$$?; [ $$code -eq 1 ] || exit $$code; \
	  echo "$${GITHUB_ACTIONS:+::warning::}drift is to be watched: $(or $(PROJECT),see above)"; }

docs-models: install ## Model cards in docs/models; PROJECT=name takes the model it serves first
	@$(PORTFOLIO) cards $(PROJECT) $(ARGS)

twin-report: install ## What the synthetic samples are worth against the real data
	@$(PORTFOLIO) twin report $(PROJECT) $(ARGS)

##@ Services
api-start: install ## Serve one project: make api-start PROJECT=bankchurn [PORT=8001]
	@$(PORTFOLIO) serve $(PROJECT) $(if $(PORT),--port $(PORT)) $(ARGS)

health: ## One line a service, of containers or demo; fails where one is down (make: 2, scripts/health.sh: 1)
	@scripts/health.sh

logs-api: ## What the APIs say, and go on saying; PROJECT=name for one, FOLLOW=0 ends
	@WHO=$@ scripts/logs.sh api $(PROJECT)

logs-monitoring: ## What the monitoring service decided and why, and goes on saying; FOLLOW=0 ends
	@WHO=$@ scripts/logs.sh monitoring

mlflow: install ## MLflow alone, in the foreground on port 5000
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh -c "$$(sed -n 's/^mlflow: *//p' Procfile) $(ARGS)"

##@ Quality
test: install ## All tests but those of containers (docker-test)
	@$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile -m "not docker" $(ARGS)

screenshots: install ## Pictures of every page of the dashboard that `make demo-up` started, in reports/screenshots
	@$(BIN)/python -m tests.browser.screenshots $(ARGS)

test-servers: ## Install what tests start: PostgreSQL, Prometheus, Alertmanager (Debian, Ubuntu), Chromium (Debian)
	@scripts/test-servers.sh

test-fast: install ## All but the end-to-end tests
	@$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile -m "not e2e and not docker" $(ARGS)

lint: install ## Style, types, layers, scripts, Dockerfile, workflows; changes nothing
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(PORTFOLIO) cards --check
	@git ls-files -z '*.sh' .ci | xargs -0 $(BIN)/shellcheck --external-sources
	@$(BIN)/hadolint Dockerfile
	@$(BIN)/actionlint -shellcheck=$(BIN)/shellcheck
	@if command -v promtool >/dev/null; then promtool check config --lint-fatal deploy/prometheus/prometheus.yml >/dev/null; fi
	@$(BIN)/zizmor --offline --quiet --persona=auditor --strict-collection .github

format: install ## Repair what the linter can repair
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

check: lint test ## What CI runs, but for docker-test

scan: install ## Known vulnerabilities of the locks; with Trivy also of repository and images
	@scripts/scan.sh

bench: install ## Measure the services beside their peers, write docs/benchmarks.md; --quick to try it out
	@$(PORTFOLIO) keys > /dev/null
	@$(if $(findstring --only journal,$(ARGS)),,bench/peers/install.sh)
	@$(BIN)/python -m bench $(ARGS)

drill-lifecycle: install ## Promote, roll back, tamper, stop MLflow under constant load; --short for a first look
	@$(BIN)/python -m drills.lifecycle $(ARGS)

drill-journal: install ## Kill the API under load, stop its store, compare what was answered and kept; --short for a first look
	@$(BIN)/python -m drills.journal $(ARGS)

drift-calibration: install ## How often monitoring is wrong: false alarms, power, estimates without labels; --short to try it out
	@$(BIN)/python -m drills.calibration $(ARGS)

##@ For the workflows
docker-save: ## Write a project's images to images/*.tar
	@scripts/images.sh save '$(PROJECT)'

docker-load: ## Take them from there
	@scripts/images.sh load '$(PROJECT)'

docker-digests: ## Write the digests of what was pushed to images/PROJECT.sha256
	@scripts/images.sh digests '$(PROJECT)'

# value: what somebody typed into a form is compared as it is, never expanded.
projects-json: ## The projects, or the one that is named, as a JSON list
	@$(if $(NAMED),,$(error there is no such project, only $(PROJECTS)))printf '"%s"\n' $(NAMED) | paste -sd , | sed 's/.*/[&]/'

##@ Cleaning
clean: ## Remove caches and build output; data, models and mlruns stay
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
	@rm -rf shared/dist projects/*/dist images reports
	@find . \( -path ./.venv -o -path ./.bench \) -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

distclean: clean ## The same, .venv and .bench
	@rm -rf .venv .bench
