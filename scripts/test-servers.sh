#!/usr/bin/env bash
# `make test-servers`: the servers that tests start for themselves, and the browser that they use, from the distribution.
# Does nothing where they are.
set -euo pipefail

missing=()
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
command -v promtool >/dev/null || missing+=(prometheus)
command -v amtool >/dev/null || missing+=(prometheus-alertmanager)
if ! command -v chromium chromium-browser google-chrome >/dev/null; then
  # Ubuntu's package is a snap, which no test can start as it needs; who has none of the three installs Chrome
  if grep -qsx 'ID=debian' /etc/os-release; then
    missing+=(chromium fonts-dejavu-core)
  else
    echo "test-servers: no chromium or google-chrome here; tests that use the dashboard need one" >&2
  fi
fi
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then as_root=(sudo --non-interactive); fi
if ! command -v apt-get >/dev/null || ! "${as_root[@]}" true 2>/dev/null; then
  echo "test-servers: no way to install ${missing[*]} here; tests that need them are skipped" >&2
  exit 0
fi

# Debian starts what it installs, on ports that are somebody else's: 101 forbids it.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap '"${as_root[@]}" rm -f $policy' EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" install -m 755 /dev/stdin $policy
fi
"${as_root[@]}" apt-get -qq update
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends "${missing[@]}" >/dev/null
