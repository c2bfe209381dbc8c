#!/usr/bin/env bash
# Checks the manifests against strict schemas of Kubernetes and of each kind that is not Kubernetes' own: renders every kustomization, and asks
# kubeconform; mistakes that are sown in checks/mistakes must be found. Before that promtool tests the alert rules and reads the panels
# (monitoring/test.sh). `./mesh check` calls it; bash 3.2 will do.
#   BALLAST_KUBERNETES_HOME  where the tools are; see checks/setup.sh
#   BALLAST_PROMTOOL         required: a promtool that cannot be had is a failure; otherwise that is said, and the rules are not tested
#   BALLAST_KUBERNETES       required: tools that cannot be had are a failure; otherwise that is said, and nothing is checked
set -euo pipefail

K8S=$(cd -P "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly K8S
readonly OUT="$K8S/target/rendered"

say() { printf 'k8s: %s\n' "$*" >&2; }

fail() {
  say "$@"
  exit 1
}

render() { # $1: a folder; prints what it holds
  if command -v kubectl >/dev/null; then
    kubectl kustomize "$1"
  else
    kustomize build "$1"
  fi
}

conform() { # $1: files, as kubeconform takes them
  "$home/bin/kubeconform" -strict -schema-location "$home/schemas/kinds/{{ .Group }}_{{ .ResourceKind }}_{{ .ResourceAPIVersion }}.json" "$@"
}

if promtool=$("$K8S/monitoring/test.sh" --promtool); then
  said=$(PROMTOOL=$promtool "$K8S/monitoring/test.sh" 2>&1) || fail "alert rules, or what panels ask: $said"
  say "alert rules were tested on recorded series, what panels ask was read"
else
  [ "${BALLAST_PROMTOOL:-}" != required ] || fail "the alert rules have to be tested"
  say "the alert rules were NOT tested"
fi

if ! home=$("$K8S/checks/setup.sh"); then
  [ "${BALLAST_KUBERNETES:-}" != required ] || fail "the manifests have to be checked"
  say "the manifests were NOT checked against schemas"
  exit 0
fi
PATH="$home/bin:$PATH"

rm -rf "$OUT"
mkdir -p "$OUT"
checked=0
while IFS= read -r kustomization; do
  folder=${kustomization%/kustomization.yaml}
  name=${folder#"$K8S/"}
  render "$folder" >"$OUT/${name//\//-}.yaml" || fail "$name cannot be rendered"
  checked=$((checked + 1))
done < <(find "$K8S" -name kustomization.yaml -not -path "$K8S/checks/mistakes/*" -not -path "$K8S/target/*" -exec grep -l '^kind: Kustomization' {} + | sort)
cp "$K8S"/gates/*.yaml "$OUT"
conform -summary "$OUT" >&2 || fail "these are no manifests that Kubernetes would take"

for mistake in "$K8S"/checks/mistakes/*/kustomization.yaml; do
  words=$(sed -n '1s/^# schema: //p' "$mistake")
  [ -n "$words" ] || continue
  said=$(render "${mistake%/*}" | conform - 2>&1) && fail "${mistake#"$K8S/"}: not found by kubeconform"
  case $said in
    *"$words"*) ;;
    *) fail "${mistake#"$K8S/"}: found for another reason: $said" ;;
  esac
  checked=$((checked + 1))
done
say "$checked kustomizations were rendered and checked, those with mistakes found"
