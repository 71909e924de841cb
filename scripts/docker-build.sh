#!/usr/bin/env bash
# `make docker-build [PROJECT=name]`: the images `serve` and `full` of a project, or of all of them and the dashboard's.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/docker.sh

megabytes() { docker image inspect --format '{{.Size}}' "$1" | awk '{ printf "%.0f", $1 / 1e6 }'; }

images=()
for folder in projects/${PROJECT:-*}/; do
  project=$(basename "$folder")
  [ -f "$folder/pyproject.toml" ] || fail "there is no project $project; remedy: see projects/"
  for target in serve full; do
    build "$target" "$project" "$PREFIX$project-$target"
    images+=("$PREFIX$project-$target")
  done
done
if [ -z "${PROJECT:-}" ]; then
  build dashboard "" "${PREFIX}dashboard"
  images+=("${PREFIX}dashboard")
fi

base=${BASE_IMAGE:-python:3.11-slim-bookworm}
docker image inspect "$base" >/dev/null 2>&1 || docker pull --quiet "$base" >/dev/null # a build keeps it to itself
base=$(megabytes "$base")
printf '%-32s %-26s %8s %18s\n' image tags MB "MB above its base"
for image in "${images[@]}"; do
  size=$(megabytes "$image:$VERSION")
  printf '%-32s %-26s %8s %18s\n' "$image" "$VERSION $REVISION" "$size" $((size - base))
done
