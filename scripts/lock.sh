#!/usr/bin/env bash
# Solves all requirements/*.in as one environment, then writes one lock for each of them out of that one solution: what
# serves, trains, tests and draws is the same version everywhere. The locks hold on Python 3.11 to 3.14 and name no index.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=.venv/bin/python
. scripts/index.sh

# Failing halfway must leave the old locks alone.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

compile() {
  .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --only-binary :all: \
    --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make upgrade-deps" "$@"
}

compile --upgrade requirements/*.in --output-file "$work/solution"
for input in requirements/*.in; do
  lock=$work/$(basename "${input%.in}").txt
  cp "$work/solution" "$lock" # uv keeps the versions that it finds in the output file
  excludes=()
  if [ -f "${input%.in}.excludes" ]; then excludes=(--excludes "${input%.in}.excludes"); fi
  compile "$input" "${excludes[@]}" --output-file "$lock"
done

# Each peer of the bench is an environment of its own; only what the pickled model is made of is the version that made it.
grep -oE '^(joblib|lightgbm|numpy|pandas|scikit-learn|scipy)==[^ ;]+' "$work/solution" >"$work/model"
for input in bench/peers/*/requirements.in; do
  compile --upgrade "$input" --constraints "$work/model" --output-file "$work/$(basename "$(dirname "$input")").peer"
done

sed -i "s#$work/##" "$work"/*.peer # the constraints' place is of no interest, and another one each time

mv "$work"/*.txt requirements/
for lock in "$work"/*.peer; do mv "$lock" "bench/peers/$(basename "$lock" .peer)/requirements.txt"; done
