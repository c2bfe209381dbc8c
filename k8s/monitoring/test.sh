#!/usr/bin/env bash
# Tests the alert rules on recorded series with promtool, and reads by it what panels of dashboards ask. k8s/check.sh calls it; bash 3.2 will do.
#   --plain     prints the rules as Prometheus itself reads them
#   --promtool  prints where promtool is: $PROMTOOL, or on the PATH, or that of Debian's package prometheus, unpacked into a cache once
set -euo pipefail

HERE=$(cd -P "$(dirname "${BASH_SOURCE[0]}")" && pwd)

fail() { # one line
  printf 'test.sh: %s\n' "$*" >&2
  exit 1
}

plain() { # what stands below spec: in the PrometheusRule
  sed -n '/^spec:$/,$p' "$HERE/rules.yaml" | sed -e 1d -e 's/^  //'
}

# What panels ask, each as a rule that would record it, with the ranges that Grafana puts in.
panels() {
  local query number=0
  printf 'groups:\n  - name: panels\n    rules:\n'
  while IFS= read -r query; do
    number=$((number + 1))
    printf "      - record: panel:%d\n        expr: '%s'\n" "$number" "$query"
  done < <(sed -n 's/^ *"expr": "\(.*\)",*$/\1/p' "$HERE"/dashboards/*.json \
    | sed -e 's/\\"/"/g' -e 's/\\\\/\\/g' -e "s/'/''/g" -e 's/\$__rate_interval/5m/g' -e 's/\$__interval/1m/g' -e 's/\$__range/1h/g')
  [ "$number" -eq "$(cat "$HERE"/dashboards/*.json | grep -o '"expr"' | wc -l)" ] || fail "some panels were not read: each \"expr\" has a line of its own"
}

find_promtool() { # sets PROMTOOL
  PROMTOOL=${PROMTOOL:-$(command -v promtool || true)}
  if [ -n "$PROMTOOL" ]; then
    return
  fi
  local cache="${XDG_CACHE_HOME:-$HOME/.cache}/ballast/promtool"
  PROMTOOL=$cache/usr/bin/promtool
  if [ ! -x "$PROMTOOL" ]; then
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null \
      || fail "no promtool on the PATH (PROMTOOL names one): install Prometheus, or on Debian, Ubuntu: apt install prometheus"
    mkdir -p "$cache"
    (cd "$cache" && apt-get download prometheus >/dev/null 2>&1 && dpkg-deb -x prometheus_*.deb . && rm -f prometheus_*.deb) \
      || fail "apt-get download prometheus failed; apt-get update, or install promtool yourself"
  fi
}

if [ "${1:-}" = --plain ]; then
  plain
  exit
fi
find_promtool
if [ "${1:-}" = --promtool ]; then
  printf '%s\n' "$PROMTOOL"
  exit
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
plain >"$work/ballast.rules"
panels >"$work/panels.rules"
cp "$HERE"/tests/*.yaml "$work"
"$PROMTOOL" check rules "$work/ballast.rules" "$work/panels.rules"
sed 's/\[5m\]/[5m/' "$work/panels.rules" >"$work/mistakes.rules"
"$PROMTOOL" check rules "$work/mistakes.rules" >/dev/null 2>&1 && fail "promtool takes a panel with a bracket that is never closed"
(cd "$work" && "$PROMTOOL" test rules ./*.yaml)
