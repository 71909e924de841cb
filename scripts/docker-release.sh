#!/usr/bin/env bash
# `make docker-release PROJECT=name`: an image that serves by itself, with the champion and the public key baked in.
# Every champion gets a tag of its own, so going back is running an older tag.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/docker.sh

project=${PROJECT:?}
folder=.release/$project
image=$PREFIX$project
port=$(setting MLFLOW_PORT)
registry=${MLFLOW_TRACKING_URI:-http://localhost:${port:-5000}}

build serve "$project" "$image-serve"
[ -f keys/bundle.pub ] || fail "there is no public key at keys/bundle.pub; remedy: make keys, or make docker-demo"
container=$(docker create --network host --env MLFLOW_TRACKING_URI="$registry" --env BUNDLE_PUBLIC_KEY="$(cat keys/bundle.pub)" \
  "$image-serve:$REVISION" portfolio fetch)
trap 'docker rm --force "$container" >/dev/null' EXIT
docker start --attach "$container"
rm -rf "$folder"
mkdir -p "$folder"
docker cp "$container:/app/projects/$project/cache" "$folder/models" >/dev/null
cp keys/bundle.pub "$folder/"

bundle=$(sed -nE 's/.*"bundle": ?"([^"]+)".*/\1/p' "$folder/models/current")
tag=$VERSION-$REVISION-$bundle
docker build --quiet --target release --build-arg PROJECT="$project" --build-arg VERSION="$VERSION" --build-arg REVISION="$REVISION" \
  --tag "$image:$tag" . >/dev/null
rm -rf "$folder"
printf '%s\n' "released: docker run -p 8000:8000 $image:$tag"
