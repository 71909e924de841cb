#!/usr/bin/env bash
# `make docker-clean`: the stack with its volumes, and every image of this repository. mlruns is shared with `make demo`.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/docker.sh

OURS="label=org.opencontainers.image.vendor=Portfolio of model APIs" # a prefix may be that of others, too

docker compose --profile observability down --volumes --remove-orphans
images=$(docker image ls --filter "reference=${PREFIX}*" --filter "$OURS" --format '{{.Repository}}:{{.Tag}}')
[ -z "$images" ] || xargs docker image rm --force <<<"$images"
docker image prune --force --filter "$OURS" >/dev/null # of older builds
