#!/usr/bin/env bash
# Installs the Triton, its clients and the llama.cpp that the contract tests talk to, once: 165 MB fetched by pip, 510 MB on disk. Run again it only checks. Prints the folder.
#   BALLAST_TRITON_HOME  where to; by default ${XDG_CACHE_HOME:-~/.cache}/ballast/triton
#   PYTHON               the Python to use; otherwise python3.11, python3.12 or python3 is looked for
set -euo pipefail

here=$(cd -P "$(dirname "${BASH_SOURCE[0]}")" && pwd)
home=${BALLAST_TRITON_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/ballast/triton}
requirements="$here/requirements.txt"

fail() { # one line
  printf 'triton: %s\n' "$*" >&2
  exit 1
}

find_python() {
  local candidate version
  for candidate in ${PYTHON:+"$PYTHON"} python3.11 python3.12 python3; do
    version=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    case $version in
      3.11 | 3.12)
        python=$candidate
        return
        ;;
    esac
    [ -z "${PYTHON:-}" ] || break
  done
  fail "needs Python 3.11 or 3.12 with its venv module (Debian, Ubuntu: apt install python3.11-venv libpython3.11), or PYTHON set to one; found none"
}

[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || fail "the Triton of the tests runs on Linux on x86-64 only, and this is $(uname -s) on $(uname -m); leave --triton out here"

mkdir -p "$home" || fail "cannot write $home; set BALLAST_TRITON_HOME to a folder that you may write"
exec 9>"$home/lock"
if command -v flock >/dev/null; then
  flock 9 # two set-ups at a time would tread on each other
fi

wanted=$(sha256sum <"$requirements")
if [ "$(cat "$home/installed" 2>/dev/null)" != "$wanted" ]; then
  find_python
  printf 'triton: installing into %s with %s; 165 MB are fetched\n' "$home" "$python" >&2
  rm -rf "$home/venv" "$home/installed"
  log="$home/setup.log"
  "$python" -m venv "$home/venv" >"$log" 2>&1 || fail "$python cannot make a virtual environment (Debian, Ubuntu: apt install python3-venv); its words are in $log"
  "$home/venv/bin/python" -m pip install --disable-pip-version-check --no-input --no-deps --only-binary :all: --require-hashes -r "$requirements" >>"$log" 2>&1 \
    || fail "pip could not install what $requirements lists; mend the connection or pip's index-url (PIP_INDEX_URL), its words are in $log"
fi

venv="$home/venv"
version=$("$venv/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || fail "the Python of $venv does not run any more; delete $home and run this again"
triton="$venv/lib/python$version/site-packages/pytriton/tritonserver"
stub="$triton/python_backend_stubs/$version/triton_python_backend_stub"
for binary in "$triton/bin/tritonserver" "$stub"; do
  [ -x "$binary" ] || fail "$binary is missing; delete $home and run this again"
  missing=$(ldd "$binary" 2>&1 | sed -n 's/^[[:space:]]*\(.*\) => not found.*/\1/p; s/.*version .\(GLIBC[^ ]*\). not found.*/\1/p' | sort -u | tr '\n' ' ')
  [ -z "$missing" ] || fail "this machine lacks ${missing}for $(basename "$binary") (Debian, Ubuntu: apt install libpython$version; glibc must be 2.35 or newer)"
done
ln -sfn "../../python_backend_stubs/$version/triton_python_backend_stub" "$triton/backends/python/triton_python_backend_stub"
ln -sfn "venv/lib/python$version/site-packages" "$home/site-packages"
printf '%s' "$wanted" >"$home/installed"
printf '%s\n' "$home"
