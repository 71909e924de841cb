#!/usr/bin/env bash
# `make docker-demo`: from free ports to a table of healthy containers.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/docker.sh

WAIT_SECONDS=120 # after the trainer, which takes as long as it takes

# "NAME PORT INSIDE ADDRESS" for every port that the stack publishes.
published() {
  docker compose config | awk '/container_name:/ { name = $2 } /host_ip:/ { address = $2 } /target:/ { inside = $2 }
    /published:/ { gsub(/"/, "", $2); print name, $2, inside, address }' | sort --numeric-sort --key 2
}

# The folder of a data mirror is mounted; an address is passed on.
find_mirror() {
  local mirror
  mirror=$(setting DATA_MIRROR)
  case $mirror in
    '') ;;
    http://* | https://*) export MIRROR_URL=$mirror ;;
    *)
      MIRROR_FOLDER=$(cd "$mirror" 2>/dev/null && pwd) || fail "DATA_MIRROR is no folder: $mirror"
      export MIRROR_FOLDER
      ;;
  esac
}

# Who listens on a port, as far as the system tells.
owner() {
  local container
  container=$(docker ps --filter "publish=$1" --format '{{.Names}}')
  if [ -n "$container" ]; then
    echo "the container $container"
  elif command -v ss >/dev/null; then
    ss -Hltnp "sport = :$1" | sed -n 's/.*users:((\("[^"]*"\),\(pid=[0-9]*\).*/\1 (\2)/p' | sort -u | paste -sd ' '
  fi
}

# Every taken port is named at once, and nothing has been started yet. The stack's own containers may have theirs.
check_ports() {
  local name port address by taken=
  while read -r name port _ address; do
    (exec 3<>"/dev/tcp/${address/#0.0.0.0/127.0.0.1}/$port") 2>/dev/null || continue
    [ "$(docker ps --filter "publish=$port" --filter "label=com.docker.compose.project=$STACK" --format '{{.Names}}')" = "$name" ] && continue
    by=$(owner "$port")
    taken+="Port $port, which $name needs, is taken${by:+ by $by}. "
  done < <(published)
  [ -z "$taken" ] || fail "${taken}Remedy: stop what uses it (make demo-down?), or move a port: BANKCHURN_PORT=9001 make docker-demo (see docker-compose.demo.yml)"
}

# Without its database the registry is made anew; a running MLflow would keep the deleted file.
forget_lost_registry() {
  [ -e mlruns/mlflow.db ] || docker compose rm --stop --force mlflow-server >/dev/null 2>&1
}

# What has a healthcheck and is not healthy yet.
starting() {
  local id
  for id in $(docker compose ps --quiet); do
    docker inspect --format '{{if .State.Health}}{{if ne .State.Health.Status "healthy"}}{{.Name}}{{end}}{{end}}' "$id"
  done | sed '/^$/d'
}

wait_until_healthy() {
  local deadline=$((SECONDS + WAIT_SECONDS))
  while [ -n "$(starting)" ] && [ $SECONDS -lt $deadline ]; do sleep 1; done
}

# Of what shall run, so that what has not even started is missed.
table() {
  local services
  mapfile -t services < <(published | while read -r name port inside _; do echo "$name=$port=http://$name:$inside"; done)
  docker compose run --rm --no-deps -T trainer portfolio demo table "${services[@]}"
}

find_mirror
check_ports
scripts/admin-key.sh
mkdir -p mlruns store monitoring keys
echo "building images (some minutes where nothing is cached)"
docker compose build --quiet
forget_lost_registry
docker compose --progress quiet up --detach --wait mlflow-server
docker compose --progress quiet run --rm --no-deps trainer
code=0
docker compose --progress quiet up --detach || code=$? # what is not healthy is in the table
wait_until_healthy
table || code=$?
docker ps --filter "label=com.docker.compose.project=$STACK" --format 'table {{.Names}}\t{{.Status}}\t{{.Ports}}'
echo "\`make docker-demo-down\` stops all of it, \`make docker-logs\` shows what it says."
exit "$code"
