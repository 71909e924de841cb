#!/usr/bin/env bash
# In a project's folder: copies what models/current names into models/released, which has the layout of models/. A
# pipeline needs one name for what it makes.
set -euo pipefail
if [ ! -f models/current ]; then
  echo "released: no model is served; remedy: see the verdict above" >&2
  exit 1
fi
bundle=$(sed -nE 's/.*"bundle": ?"([^"]+)".*/\1/p' models/current)
rm -rf models/released
mkdir models/released
cp -r models/current "models/$bundle" models/released/
