#!/usr/bin/env bash
# Checks the protos with buf: lint (STANDARD, COMMENTS) and breaking changes. `./mesh check` calls it; bash 3.2 will do.
#   BUF                 the buf to use; otherwise version 1.75.0 is fetched once through npm, below target/
#   BALLAST_PROTO_BASE  the commit to compare with; otherwise where a branch left main, and for main what proto/published names
set -euo pipefail

readonly VERSION=1.75.0
ROOT=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly ROOT
readonly CACHE="$ROOT/target/buf-$VERSION"

say() { printf 'proto: %s\n' "$*" >&2; }

fail() {
  say "$@"
  exit 1
}

buf() {
  if [ -n "${BUF:-}" ]; then
    "$BUF" "$@"
  else
    "$CACHE/node_modules/.bin/buf" "$@"
  fi
}

fetch_buf() {
  if [ -n "${BUF:-}" ]; then
    command -v "$BUF" >/dev/null || fail "BUF=$BUF: there is no such program"
    return
  fi
  if [ -x "$CACHE/node_modules/.bin/buf" ]; then
    return
  fi
  command -v npm >/dev/null || fail "npm is missing: it fetches buf $VERSION once; install Node.js 18 or newer, or set BUF to a buf that you have"
  say "fetching buf $VERSION through npm, once"
  mkdir -p "$CACHE"
  # no scripts of packages are run: the binary comes as a package of its own for each platform
  if ! npm install --prefix "$CACHE" --no-save --ignore-scripts --no-audit --no-fund --silent "@bufbuild/buf@$VERSION" >&2; then
    rm -rf "$CACHE"
    fail "npm could not fetch @bufbuild/buf@$VERSION (its words are above); mend the connection, or set BUF to a buf that you have"
  fi
}

base_commit() { # prints the commit to compare with, or nothing
  local head main
  head=$(git -C "$ROOT" rev-parse --verify --quiet HEAD) || return 0
  if [ -n "${BALLAST_PROTO_BASE:-}" ]; then
    git -C "$ROOT" rev-parse --verify --quiet "$BALLAST_PROTO_BASE^{commit}" || fail "BALLAST_PROTO_BASE=$BALLAST_PROTO_BASE: there is no such commit here"
    return
  fi
  for main in refs/remotes/origin/main refs/heads/main; do
    main=$(git -C "$ROOT" rev-parse --verify --quiet "$main^{commit}") || continue
    if [ "$main" != "$head" ]; then
      git -C "$ROOT" merge-base "$main" "$head" || true # nothing where a shallow clone has cut it off
      return
    fi
  done
  published || git -C "$ROOT" rev-parse --verify --quiet 'HEAD^1^{commit}' || true
}

published() { # prints the commit that proto/published names, where it is here and another than HEAD
  local at
  at=$(git -C "$ROOT" rev-parse --verify --quiet "$(sed -n '/^[0-9a-f]/p' "$ROOT/proto/published")^{commit}") || return 1
  [ "$at" != "$(git -C "$ROOT" rev-parse --verify --quiet HEAD)" ] || return 1
  echo "$at"
}

check_breaking() {
  local base
  base=$(base_commit)
  if [ "$base" = "$(git -C "$ROOT" rev-parse --verify --quiet HEAD || true)" ] && [ -n "$base" ] && [ -z "${BALLAST_PROTO_BASE:-}" ]; then
    base=$(published || git -C "$ROOT" rev-parse --verify --quiet 'HEAD^1^{commit}' || true)
  fi
  if [ -z "$base" ]; then
    say "no earlier commit is here (a shallow clone?): breaking changes were NOT checked; git fetch --deepen=50, or set BALLAST_PROTO_BASE"
    return
  fi
  if [ -z "$(git -C "$ROOT" ls-tree "$base" proto/src/main/protobuf)" ]; then
    say "commit ${base:0:12} has no protos: breaking changes were not checked"
    return
  fi
  OLD=$(mktemp -d)
  trap 'rm -rf "$OLD"' EXIT
  git -C "$ROOT" archive "$base" proto/src/main/protobuf | tar -x -C "$OLD"
  cp "$ROOT/proto/buf.yaml" "$OLD/proto/buf.yaml"
  buf breaking "$ROOT/proto" --against "$OLD/proto" || fail "the protos break callers of commit ${base:0:12}: a field or RPC once published keeps its number, type and meaning (reserve what you remove)"
  say "nothing breaks callers of commit ${base:0:12}"
}

fetch_buf
buf lint "$ROOT/proto" || fail "buf lint found the above"
say "lint: nothing found"
check_breaking
