#!/usr/bin/env bash
# The tests of the Python client: makes a virtual environment below target/, once (pip fetches some 3 GB, 6.3 GB on disk, on Linux on x86-64),
# installs the client into it from this checkout, checks style and types, and runs pytest, which starts a mesh of its own. Arguments are pytest's;
# --setup alone only makes the environment.
#   PYTHON   the Python to use; 3.11 or newer, as PyTorch and TRL ask; otherwise python3 or one of python3.11 to python3.14 is looked for
set -euo pipefail

here=$(cd -P "$(dirname "${BASH_SOURCE[0]}")" && pwd)
home=$(cd -P "$here/../.." && pwd)/target/python-client
requirements="$here/tests/requirements.txt"
alone="$here/tests/requirements-alone.txt"

fail() { # one line
  printf 'python: %s\n' "$*" >&2
  exit 1
}

find_python() {
  local candidate
  for candidate in ${PYTHON:+"$PYTHON"} python3 python3.14 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      python=$candidate
      return
    fi
    [ -z "${PYTHON:-}" ] || break
  done
  fail "needs Python 3.11 or newer with its venv module (Debian, Ubuntu: apt install python3-venv; macOS: brew install python), or PYTHON set to one; found none"
}

install() { # what pip says goes to the log
  "$home/venv/bin/python" -m pip install --disable-pip-version-check --no-input "$@" >>"$home/setup.log" 2>&1 \
    || fail "pip could not install $*; mend the connection or pip's index-url (PIP_INDEX_URL), its words are in $home/setup.log"
}

mkdir -p "$home"
wanted=$(cat "$requirements" "$alone" | cksum)
if [ "$(cat "$home/installed" 2>/dev/null)" != "$wanted" ]; then
  find_python
  printf 'python: installing into %s with %s\n' "$home/venv" "$python" >&2
  rm -rf "$home/venv" "$home/installed" "$home/setup.log"
  "$python" -m venv "$home/venv" >"$home/setup.log" 2>&1 || fail "$python cannot make a virtual environment (Debian, Ubuntu: apt install python3-venv); its words are in $home/setup.log"
  install -r "$requirements"
  install --no-deps -r "$alone"
  printf '%s' "$wanted" >"$home/installed"
fi
if [ "${1:-}" = --setup ]; then
  exit
fi
install --force-reinstall --no-deps "$here"
install "$here" # and what it needs

cd "$here"
"$home/venv/bin/python" -m ruff check .
"$home/venv/bin/python" -m ruff format --check .
"$home/venv/bin/python" -m mypy
exec "$home/venv/bin/python" -m pytest "$@"
