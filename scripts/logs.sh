#!/usr/bin/env bash
# `scripts/logs.sh NAME...`: what services say, and go on saying: containers where one of them is there, else the
# demo's log files. `api` is every API, `api PROJECT` one. FOLLOW=0 ends after the last 100 lines of each.
set -euo pipefail
cd "$(dirname "$0")/.."
export COMPOSE_FILE=docker-compose.demo.yml
follow=yes
[ "${FOLLOW:-1}" != 0 ] || follow=

fail() {
  printf '%s: %s\n' "${WHO:-logs}" "$1" >&2
  exit 1
}

# The names of the Procfile that are meant.
names() {
  if [ "$1" != api ]; then
    echo "$1"
  else
    sed -nE 's/^([A-Za-z0-9_-]+):.*portfolio serve .*/\1/p' Procfile | grep -E -x -- "${2:-.*}"
  fi
}

# The containers' name of a project: that of the image is the project's.
container_of() {
  docker compose config | awk -v image="/$1-full:" '/container_name:/ { name = $2 } /image:/ && index($2, image) { print name }'
}

mapfile -t wanted < <(names "$@" || true)
[ ${#wanted[@]} -gt 0 ] || fail "there is no service ${2:-$1}; remedy: see the Procfile"

if command -v docker >/dev/null && [ -n "$(docker compose ps --all --quiet 2>/dev/null)" ]; then
  services=()
  for name in "${wanted[@]}"; do
    found=$(container_of "$name")
    services+=("${found:-$name}")
  done
  exec docker compose logs ${follow:+--follow} --tail 100 "${services[@]}"
fi

files=()
for name in "${wanted[@]}"; do
  [ ! -f ".demo/logs/$name.log" ] || files+=(".demo/logs/$name.log")
done
[ ${#files[@]} -gt 0 ] || fail "neither containers nor logs of the demo are here; remedy: make demo-up or make docker-demo"
exec tail --lines 100 ${follow:+--follow=name} "${files[@]}"
