#!/usr/bin/env bash
# `make health`: one line a service, of the containers where some run, else of the demo; exit code 1 where one is down
# (of make itself 2, as of every target that fails).
# Needs curl alone: a host with nothing but a container engine has no Python.
set -euo pipefail
cd "$(dirname "$0")/.."
export COMPOSE_FILE=docker-compose.demo.yml

# "NAME PORT" of every container that should run and publishes a port; nothing where none runs. What watches the others
# from outside is there only where somebody started it.
containers() {
  local profile=()
  command -v docker >/dev/null || return 0
  [ -n "$(docker compose --profile '*' ps --quiet 2>/dev/null)" ] || return 0
  [ -z "$(docker ps --quiet --filter name='^prometheus$')" ] || profile=(--profile observability)
  docker compose "${profile[@]}" config | awk '/^  [a-z]/ { name = "" } /container_name:/ { name = $2 }
    /published:/ { gsub(/"/, "", $2); if (name) print name, $2 }' | sort --numeric-sort --key 2
}

# "NAME PORT" of every line of the Procfile.
processes() {
  sed -nE 's/^([A-Za-z0-9_-]+):.*[-.]port ([0-9]+).*/\1 \2/p' Procfile |
    while read -r name port; do echo "$name $((port + ${DEMO_PORT_OFFSET:-0}))"; done
}

# Where a service that is no API of ours says that it is up.
path_of() {
  case $1 in
    mlflow*) echo /version ;;
    dashboard) echo /_stcore/health ;;
    prometheus | alertmanager) echo /-/healthy ;;
    grafana) echo /api/health ;;
    *) echo /health ;;
  esac
}

# The value of a field of flat JSON, or nothing.
field() { sed -nE "s/.*\"$1\": *\"?([^\",}]*)\"?.*/\1/p" <<<"$2" | head -n 1; }

down=0
services=$(containers)
while read -r name port; do
  path=$(path_of "$name")
  body=$(curl --silent --noproxy '*' --max-time 5 --write-out '\n%{http_code}' "http://127.0.0.1:$port$path") || true
  status=${body##*$'\n'} body=${body%$'\n'*}
  version=
  case $status in
    200)
      state=healthy
      [ "$path" != /version ] || version=$body
      [ "$path" != /health ] || version=$(field model_version "$body")
      version=${version:-$(field version "$body")}
      ;;
    000) state="down: does not answer" ;;
    *) state="down: answers $status" ;;
  esac
  [ "$status" = 200 ] || down=1
  printf '%-16s %-24s %-24s %s\n' "$name" "http://localhost:$port" "$state" "${version:--}"
done <<<"${services:-$(processes)}"
exit $down
