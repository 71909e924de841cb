# shellcheck shell=bash
# Sourced by the scripts that call uv, which does not read pip's configuration: whoever has set an index for pip means
# it for uv too. Nothing is set where the user has set nothing.
index=${PIP_INDEX_URL:-$("${PYTHON:-python3}" -m pip config get global.index-url 2>/dev/null || true)}
if [ -n "$index" ] && [ -z "${UV_DEFAULT_INDEX:-}" ]; then
  export UV_DEFAULT_INDEX=$index
fi
