#!/usr/bin/env bash
# Makes .venv what the locks say and leaves the stamp named by $1. The stamp goes first and comes last, so whatever
# fails in between is repaired by the next run.
set -euo pipefail
cd "$(dirname "$0")/.."
stamp=$1
log=.venv/install.log
# The newest Python is the last one that every locked wheel exists for.
supported='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))'

fail() {
  printf 'make install: %s\n' "$1" >&2
  exit 1
}

find_python() {
  local candidate bare=
  for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    "$candidate" -c "$supported" 2>/dev/null || continue
    "$candidate" -c 'import ensurepip, venv' 2>/dev/null && { echo "$candidate"; return; }
    bare=$candidate
  done
  [ -z "$bare" ] || fail "$bare has no venv; remedy: apt-get install python3-venv, then run it again"
  fail "no Python 3.11 to 3.14; remedy: install one, or name it: make install PYTHON=python3.12"
}

# Whole, of a supported Python, and made here: the programs in a .venv that was moved start the old one.
usable() {
  .venv/bin/python -c "import pip; $supported" 2>/dev/null && grep -qF "$PWD/.venv" .venv/bin/activate
}

# Runs a command with its output in the log, and turns a failure into one line.
quietly() {
  "$@" >>"$log" 2>&1 && return
  if grep -qiE 'connection (broken|refused|reset)|failed to (establish|fetch)|name resolution|dns error|timed out|unreachable' "$log"; then
    fail "the package index cannot be reached; remedy: check the network, or name a mirror in PIP_INDEX_URL, then run it again (log: $log)"
  fi
  fail "$(grep -iE 'error' "$log" | tail -n 1 || tail -n 1 "$log") (log: $log)"
}

rm -f .venv/.installed-*
if ! usable; then
  python=$(find_python)
  echo "install: new .venv with $("$python" --version)"
  "$python" -m venv --clear .venv || fail "$python cannot make .venv; remedy: see the lines above"
fi
: >"$log"
PYTHON=.venv/bin/python
. scripts/index.sh

echo "install: packages of requirements/ (about a minute when nothing is cached)"
quietly .venv/bin/python -m pip install --quiet --disable-pip-version-check --retries 2 --only-binary :all: \
  --require-hashes --requirement requirements/build.txt
uv=(.venv/bin/uv pip)
quietly "${uv[@]}" sync --python .venv --require-hashes --only-binary :all: requirements/{train,dashboard,dev,build}.txt

echo "install: the packages of this repository"
packages=()
for package in shared projects/*/; do packages+=(--editable "$package"); done
quietly "${uv[@]}" install --python .venv --offline --no-deps --no-build-isolation "${packages[@]}"
quietly "${uv[@]}" check --python .venv
touch "$stamp"
