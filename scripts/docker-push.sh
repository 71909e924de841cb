#!/usr/bin/env bash
# `make docker-push [PROJECT=name]`: push the images of `make docker-build` under both of their tags.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/docker.sh

case $REVISION in *-dirty) fail "there are changes that no commit has; remedy: commit them, so that the tag can be traced" ;; esac
for folder in projects/${PROJECT:-*}/; do
  for target in serve full; do
    for tag in "$VERSION" "$REVISION"; do
      docker push "$PREFIX$(basename "$folder")-$target:$tag"
    done
  done
done
