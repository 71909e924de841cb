#!/usr/bin/env bash
# Gives every peer a virtual environment of its own under .bench/, made from its lock; nothing changed, nothing to do.
set -euo pipefail
cd "$(dirname "$0")/../.."
PYTHON=.venv/bin/python
. scripts/index.sh

# MLServer supports no newer Python.
if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info >= (3, 13))'; then
  echo "make bench: the peers need Python 3.11 or 3.12; remedy: make distclean install PYTHON=python3.12" >&2
  exit 1
fi

for lock in bench/peers/*/requirements.txt; do
  name=$(basename "$(dirname "$lock")")
  venv=.bench/$name/venv
  stamp=$venv/.installed-$( (pwd; cat "$lock") | sha256sum | cut -c1-16)
  [ ! -e "$stamp" ] || continue
  echo "bench: packages of $name"
  rm -rf "$venv"
  .venv/bin/uv venv --quiet --python .venv/bin/python "$venv"
  .venv/bin/uv pip sync --quiet --python "$venv" --require-hashes --only-binary :all: "$lock"
  touch "$stamp"
done
