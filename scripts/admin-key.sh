#!/usr/bin/env bash
# Writes an ADMIN_KEY into .env where neither the environment nor .env has one, so that whoever starts the demo can promote
# from the dashboard. The key is never printed. Empty in the environment means closed, and stays so.
set -euo pipefail
cd "$(dirname "$0")/.."

[ -z "${ADMIN_KEY+set}" ] || exit 0
! grep -qsE "^[[:space:]]*(export[[:space:]]+)?ADMIN_KEY[[:space:]]*=[[:space:]]*[\"']?[^\"'[:space:]]" .env || exit 0

umask 077
if [ ! -e .env ]; then
  : >.env
  [ "$(id -u)" != 0 ] || chown --reference=. .env # the repository may be somebody else's, who has to read it
fi
[ -z "$(tail -c 1 .env)" ] || echo >>.env # its last line may have no end
printf 'ADMIN_KEY=%s\n' "$(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=')" >>.env
echo "admin key: a new one is in $PWD/.env (ADMIN_KEY); promoting and rolling back ask for it"
