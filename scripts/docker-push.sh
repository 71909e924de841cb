#!/usr/bin/env bash
# `make docker-push [PROJECT=name]`: push the images of `make docker-build` under both of their tags.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/docker.sh

case $REVISION in
  *-dirty) fail "there are changes that no commit has; remedy: commit them, so that the tag can be traced" ;;
  unknown) fail "git does not name the commit; remedy: run it in a checkout that belongs to you" ;;
esac
[ "${GITHUB_REF_TYPE:-}" != tag ] || [ "$GITHUB_REF_NAME" = "v$VERSION" ] ||
  fail "the tag $GITHUB_REF_NAME is not v$VERSION; remedy: set the version in the pyproject.toml files first"
for folder in projects/${PROJECT:-*}/; do
  for target in serve full; do
    for tag in "$VERSION" "$REVISION"; do
      docker push "$PREFIX$(basename "$folder")-$target:$tag"
    done
  done
done
