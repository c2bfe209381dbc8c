#!/usr/bin/env bash
# Asks OSV-Scanner which libraries of target/bom.json have known vulnerabilities. `./mesh sbom --vulnerabilities` calls it; bash 3.2 will do.
# Exit codes: 0 none is known, 3 nothing could be learnt (no scanner, no database), 4 some are known.
#   OSV_SCANNER   the osv-scanner to use; otherwise version 2.4.0 is built once by Go, below target/
#   OSV_DATABASE  a folder with osv-scanner's database (osv-scanner/Maven/all.zip below it); nothing is asked over the network then
# 2.5.0 and 2.6.0 drop the groups of Maven's libraries (google/osv-scanner#3099), and without them find nothing in a database of one's own.
set -euo pipefail

readonly VERSION=2.4.0
ROOT=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly ROOT
readonly BOM="${1:-$ROOT/target/bom.json}"
readonly CACHE="$ROOT/target/osv-scanner-$VERSION"
readonly CANARY="$ROOT/target/osv-canary/bom.json"

say() { printf 'mesh: %s\n' "$*" >&2; }

unknown() { # which is not the same as nothing found
  say "NOT LOOKED: $*"
  exit 3
}

find_scanner() {
  if [ -n "${OSV_SCANNER:-}" ]; then
    command -v "$OSV_SCANNER" >/dev/null || unknown "OSV_SCANNER=$OSV_SCANNER: there is no such program"
    return
  fi
  OSV_SCANNER="$CACHE/osv-scanner"
  if [ -x "$OSV_SCANNER" ]; then
    return
  fi
  command -v go >/dev/null || unknown "there is no osv-scanner: set OSV_SCANNER to one, or install Go 1.26.4 or newer, which builds it once"
  say "building osv-scanner $VERSION by Go, once; it takes minutes"
  GOBIN="$CACHE" go install "github.com/google/osv-scanner/v2/cmd/osv-scanner@v$VERSION" >&2 ||
    unknown "Go could not build osv-scanner $VERSION (its words are above); mend that, or set OSV_SCANNER to one that you have"
}

scan() { # $1: a bill of materials; 0: none is known, 1 to 126: some are, from 127 on: it failed
  if [ -n "${OSV_DATABASE:-}" ]; then
    OSV_SCANNER_LOCAL_DB_CACHE_DIRECTORY=$OSV_DATABASE "$OSV_SCANNER" scan source --offline --lockfile "$1"
  else
    "$OSV_SCANNER" scan source --lockfile "$1"
  fi
}

# A scanner that finds nothing in the Log4j of CVE-2021-44228 finds nothing anywhere.
canary() {
  local status=0 words
  mkdir -p "$(dirname "$CANARY")"
  cat >"$CANARY" <<'BOM'
{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": [
  {"type": "library", "group": "org.apache.logging.log4j", "name": "log4j-core", "version": "2.14.1",
   "purl": "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1?type=jar"}]}
BOM
  words=$(scan "$CANARY" 2>&1) || status=$?
  if [ "$status" -eq 0 ]; then
    unknown "osv-scanner knows nothing of Log4j 2.14.1: its database is empty, or it reads bills wrongly"
  fi
  if [ "$status" -ge 127 ]; then
    printf '%s\n' "$words" >&2
    unknown "osv-scanner ended with $status (its words are above); osv.dev must be reachable, or OSV_DATABASE name a folder with its database"
  fi
}

# A scanner does not say how old the database is that it was given.
tell_age() {
  local database="${OSV_DATABASE:-}/osv-scanner/Maven/all.zip"
  if [ -n "${OSV_DATABASE:-}" ] && [ -n "$(find "$database" -mtime +7 2>/dev/null)" ]; then
    say "WARNING: $database is more than seven days old; what was published since is not in it"
  fi
}

find_scanner
canary
tell_age
found=0
scan "$BOM" || found=$?
if [ "$found" -eq 0 ]; then
  say "no library of $BOM has a vulnerability that the database knows today"
elif [ "$found" -lt 127 ]; then
  say "libraries with known vulnerabilities are shown above"
  exit 4
else
  unknown "osv-scanner ended with $found (its words are above)"
fi
