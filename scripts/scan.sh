#!/usr/bin/env bash
# Known vulnerabilities: of the locked packages by pip-audit; of the repository and the built images by Trivy, where it
# is installed. All of it is looked at, whatever is found on the way.
set -euo pipefail
cd "$(dirname "$0")/.."
status=0

say() {
  printf 'scan: %s\n' "$1" >&2
}

audit_locks() {
  local locks=() lock found
  for lock in requirements/*.txt; do locks+=(--requirement "$lock"); done
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  # strict: a package that could not be looked up must not pass for a sound one
  if found=$(.venv/bin/pip-audit --strict --require-hashes --disable-pip --progress-spinner off "${locks[@]}" 2>"$log"); then
    say "no known vulnerability in the locks"
  elif [ -n "$found" ]; then
    printf '%s\n' "$found"
    say "the locks have known vulnerabilities; remedy: make upgrade-deps"
    status=1
  else
    say "the locks could not be looked up: $(tail -n 1 "$log" | cut -c1-200); remedy: run it where the package index can be reached"
    status=1
  fi
}

trivy_with() {
  trivy "$@" --quiet --severity HIGH,CRITICAL --ignore-unfixed --ignorefile .trivyignore.yaml --exit-code 1 || status=1
}

scan_with_trivy() {
  if ! command -v trivy >/dev/null; then
    say "no Trivy here, so neither the repository nor an image was scanned; see https://trivy.dev, then run it again"
    return
  fi
  trivy_with fs --scanners vuln,secret,misconfig --skip-dirs .venv,.bench,keys,mlruns .
  local image images
  images=$(docker image ls --format '{{.Repository}}:{{.Tag}}' --filter "label=org.opencontainers.image.vendor=Portfolio of model APIs" 2>/dev/null || true)
  [ -n "$images" ] || say "no image here to be scanned; make docker-build makes them"
  for image in $images; do trivy_with image "$image"; done
}

audit_locks
scan_with_trivy
exit "$status"
