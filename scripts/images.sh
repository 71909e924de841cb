#!/usr/bin/env bash
# A project's images on their way from the machine that builds them to the one that pushes them: $1 is save, load or
# digests, $2 the project. The files are images/PROJECT-TARGET.tar, the digests images/PROJECT.sha256.
set -euo pipefail
cd "$(dirname "$0")/.."
verb=$1 project=$2
mkdir -p images

fail() {
  printf 'docker-%s: %s\n' "$verb" "$1" >&2
  exit 1
}

save() {
  local tags
  mapfile -t tags < <(docker image ls --format '{{.Repository}}:{{.Tag}}' "$1")
  [ ${#tags[@]} -gt 0 ] || fail "there is no image $1; remedy: make docker-build PROJECT=$project"
  docker image save --output "$2" "${tags[@]}"
}

# A line for each image as sha256sum writes it, which is what provenance is stated of.
digests() {
  local found
  found=$(docker image ls --digests --no-trunc --format '{{.Digest}}  {{.Repository}}' "$1" | sed -n 's/^sha256://p' | sort -u)
  [ -n "$found" ] || fail "$1 has no digest; remedy: make docker-push PROJECT=$project"
  printf '%s\n' "$found"
}

[ -n "$project" ] || fail "which project? make docker-$verb PROJECT=bankchurn"
for target in serve full; do
  image=${IMAGE_PREFIX:-portfolio/}$project-$target file=images/$project-$target.tar
  case $verb in
    save) save "$image" "$file" ;;
    load) docker image load --quiet --input "$file" ;;
    digests) digests "$image" ;;
    *) fail "unknown" ;;
  esac
done | if [ "$verb" = digests ]; then tee "images/$project.sha256"; else cat; fi
