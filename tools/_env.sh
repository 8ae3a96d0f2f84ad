# Shared by the tools: finds Python, installs what is missing, keeps a private venv. Sourced, not run.
# Everything is installed once; a second run finds the stamps and touches no network.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
VENV="${WATCHKEEPER_VENV:-$PWD/.venv}"
PY="$VENV/bin/python"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

say() { printf '== %s\n' "$*"; }

# What the machine needs beyond Python packages: a C++ compiler, Python's headers and its venv module.
system_packages() {
  local missing=()
  command -v python3 >/dev/null || missing+=(python3)
  command -v g++ >/dev/null || missing+=(g++)
  python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
  python3 -c 'import sysconfig, pathlib, sys; sys.exit(not pathlib.Path(sysconfig.get_paths()["include"], "Python.h").exists())' \
    2>/dev/null || missing+=(python3-dev)
  if [ "$1" = dev ]; then # the privacy tests watch the product's system calls
    command -v strace >/dev/null || missing+=(strace)
  fi
  [ ${#missing[@]} -eq 0 ] && return
  command -v apt-get >/dev/null || { echo "missing: ${missing[*]}; install them with this system's package manager" >&2; exit 2; }
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "missing: ${missing[*]}; run as root: apt-get install ${missing[*]}" >&2; exit 2; }
    sudo=(sudo)
  fi
  say "installing with apt: ${missing[*]}"
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
}

stamp_of() { cat "$@" | sha256sum | cut -d' ' -f1; }

# pip, quiet unless it fails.
quiet_pip() {
  local log
  log="$(mktemp)"
  if ! "$PY" -m pip "$@" >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    echo "pip $1 failed (above); with a network available, run this command again" >&2
    exit 2
  fi
  rm -f "$log"
}

# environment run|dev: the venv with the package (editable) and its run-time set, or that and the developer's tools.
environment() {
  local kind="$1" extras=""
  [ "$kind" = dev ] && extras="[dev]"
  system_packages "$kind"
  if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
    echo "Python 3.10 or newer is needed; python3 here is $(python3 --version 2>&1)" >&2
    exit 2
  fi
  [ -x "$PY" ] || { say "creating the private environment $VENV"; python3 -m venv "$VENV"; }
  local native packages
  native="$(stamp_of $(find kernels -type f | sort) pyproject.toml)"
  packages="$(stamp_of pyproject.toml)"
  if [ "$(cat "$VENV/.packages-$kind" 2>/dev/null)" != "$packages" ]; then
    say "installing Python packages ($kind set) and building the native modules: some minutes, once"
    quiet_pip install "scikit-build-core>=0.11" "nanobind>=2.4" "cmake>=3.22" "ninja>=1.11"
    quiet_pip install --no-build-isolation -e ".$extras"
    echo "$packages" >"$VENV/.packages-$kind"
    echo "$native" >"$VENV/.native"
  elif [ "$(cat "$VENV/.native" 2>/dev/null)" != "$native" ]; then
    say "building the native modules"
    quiet_pip install --no-build-isolation --no-deps -e .
    echo "$native" >"$VENV/.native"
  fi
}

# The report's page is looked at in a real browser. Developers are told, CI (which runs as root) gets one where it can.
browser() {
  command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null && return
  if [ -n "${CI:-}" ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    say "installing with apt: chromium"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } && return
  fi
  say "no Chromium: its test of the report will be skipped (apt-get install chromium)"
}

weights() {
  say "model weights"
  "$PY" -m watchkeeper models build
}
