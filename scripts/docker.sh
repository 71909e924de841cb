# shellcheck shell=bash
# Sourced by the scripts that use containers: is there an engine, which compose file, and how an image is built.
export COMPOSE_FILE=docker-compose.demo.yml DOCKER_BUILDKIT=1

# What compose reads from .env by itself has to be the same for everything else. The environment comes first.
setting() {
  printf '%s' "${!1:-$(sed -nE "s/^$1=[\"']?([^\"']*)[\"']?[[:space:]]*$/\1/p" .env 2>/dev/null | tail -n 1)}"
}
STACK=$(setting COMPOSE_PROJECT_NAME)
export STACK=${STACK:-portfolio}

fail() {
  printf '%s: %s\n' "${WHO:-$(basename "${0%.sh}")}" "$1" >&2
  exit 1
}

docker info >/dev/null 2>&1 ||
  fail "no Docker engine answers ($(docker info 2>&1 | tail -n 1 || true)); remedy: start one, or run everything without containers: make demo"
docker compose version >/dev/null 2>&1 || fail "docker has no compose plugin; remedy: install docker-compose-plugin, or run everything without containers: make demo"

VERSION=$(sed -n 's/^version = "\(.*\)"/\1/p' shared/pyproject.toml)
REVISION=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
# the figures of a training, in models/, are for people to commit and in no image
[ -z "$(git status --porcelain -- . ':(exclude)projects/*/models' 2>/dev/null)" ] || REVISION+=-dirty
PREFIX=$(setting IMAGE_PREFIX | tr "[:upper:]" "[:lower:]")
PREFIX=${PREFIX:-portfolio/}
BASE_IMAGE=$(setting BASE_IMAGE)
export VERSION REVISION PREFIX BASE_IMAGE IMAGE_PREFIX=$PREFIX

# build TARGET PROJECT IMAGE: one image, under the release's number and under the commit.
build() {
  docker build --quiet --target "$1" --build-arg PROJECT="$2" --build-arg VERSION="$VERSION" --build-arg REVISION="$REVISION" \
    ${BASE_IMAGE:+--build-arg BASE="$BASE_IMAGE"} --tag "$3:$VERSION" --tag "$3:$REVISION" . >/dev/null
}
