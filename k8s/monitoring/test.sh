#!/usr/bin/env bash
# Tests the alert rules on recorded series with promtool. ./test.sh --plain prints the rules as Prometheus itself reads them.
# promtool: $PROMTOOL, or what is on the PATH, or that of Debian's package prometheus, unpacked into a cache once.
set -euo pipefail

HERE=$(cd -P "$(dirname "${BASH_SOURCE[0]}")" && pwd)

plain() { # what stands below spec: in the PrometheusRule
  sed -n '/^spec:$/,$p' "$HERE/rules.yaml" | sed -e 1d -e 's/^  //'
}

find_promtool() { # sets PROMTOOL
  PROMTOOL=${PROMTOOL:-$(command -v promtool || true)}
  if [ -n "$PROMTOOL" ]; then
    return
  fi
  local cache="${XDG_CACHE_HOME:-$HOME/.cache}/ballast/promtool"
  PROMTOOL=$cache/usr/bin/promtool
  if [ ! -x "$PROMTOOL" ]; then
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || {
      echo "test.sh: no promtool on the PATH (PROMTOOL names one): install Prometheus, or on Debian, Ubuntu: apt install prometheus" >&2
      exit 1
    }
    mkdir -p "$cache"
    (cd "$cache" && apt-get download prometheus >/dev/null 2>&1 && dpkg-deb -x prometheus_*.deb . && rm -f prometheus_*.deb) || {
      echo "test.sh: apt-get download prometheus failed; apt-get update, or install promtool yourself" >&2
      exit 1
    }
  fi
}

if [ "${1:-}" = --plain ]; then
  plain
  exit
fi
find_promtool
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
plain >"$work/rules.yaml"
cp "$HERE"/tests/*.yaml "$work"
mv "$work/rules.yaml" "$work/ballast.rules"
"$PROMTOOL" check rules "$work/ballast.rules"
(cd "$work" && "$PROMTOOL" test rules ./*.yaml)
