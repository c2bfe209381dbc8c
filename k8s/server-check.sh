#!/usr/bin/env bash
# Has a real API server judge the manifests: an etcd and a kube-apiserver on loopback, the definitions of all kinds, k8s/admission, then
# `kubectl apply --server-side --dry-run=server` of every kustomization. Mistakes that are sown in checks/mistakes must be refused.
# No controller runs: nothing starts a pod. `./mesh test --kubernetes` calls it. Both servers end with it, whatever happens.
#   BALLAST_KUBERNETES_HOME  where they are; see checks/setup.sh
set -euo pipefail

K8S=$(cd -P "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly K8S

say() { printf 'k8s: %s\n' "$*"; }

fail() {
  say "$@" >&2
  exit 1
}

command -v openssl >/dev/null || fail "openssl is missing (Debian, Ubuntu: apt install openssl; macOS: brew install openssl)"
home=$("$K8S/checks/setup.sh" --server)
PATH="$home/bin:$PATH"

work=$(mktemp -d)
pids=()
passed=0
failures=0

clean_up() {
  local pid
  trap - EXIT INT TERM
  for pid in ${pids[@]+"${pids[@]}"}; do
    kill -KILL "$pid" 2>/dev/null || true # they have nothing to save, and one waits for the other
  done
  for pid in ${pids[@]+"${pids[@]}"}; do
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

start() { # $1: name; the rest: a program and its arguments, which ends with this script even if that is killed
  local name=$1
  shift
  if command -v setpriv >/dev/null; then
    setpriv --pdeathsig KILL -- "$@" >"$work/$name.log" 2>&1 &
  else
    "$@" >"$work/$name.log" 2>&1 &
  fi
  pids+=($!)
}

free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "$port"
      return
    fi
  done
}

k() {
  kubectl --kubeconfig "$work/kubeconfig" "$@"
}

until_answered() { # $1: seconds; the rest: what has to succeed
  local end=$((SECONDS + $1)) pid
  shift
  until "$@" >"$work/answer" 2>&1; do
    for pid in "${pids[@]}"; do
      kill -0 "$pid" 2>/dev/null || return 1
    done
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.2
  done
}

start_servers() {
  local etcd peers port token
  etcd=$(free_port)
  peers=$(free_port)
  port=$(free_port)
  start etcd "$home/bin/etcd" --data-dir "$work/etcd" --listen-client-urls "http://127.0.0.1:$etcd" --advertise-client-urls "http://127.0.0.1:$etcd" \
    --listen-peer-urls "http://127.0.0.1:$peers" --unsafe-no-fsync
  openssl genrsa -out "$work/account.key" 2048 2>/dev/null
  openssl rsa -in "$work/account.key" -pubout -out "$work/account.pub" 2>/dev/null
  token=$(openssl rand -hex 16)
  (umask 077 && printf '%s,admin,admin,system:masters\n' "$token" >"$work/tokens")
  start kube-apiserver "$home/bin/kube-apiserver" --etcd-servers "http://127.0.0.1:$etcd" --bind-address 127.0.0.1 --advertise-address 127.0.0.1 --secure-port "$port" \
    --cert-dir "$work/certificates" --service-cluster-ip-range 10.96.0.0/16 --service-account-issuer https://kubernetes.default.svc \
    --service-account-key-file "$work/account.pub" --service-account-signing-key-file "$work/account.key" \
    --authorization-mode AlwaysAllow --token-auth-file "$work/tokens" --disable-admission-plugins ServiceAccount --endpoint-reconciler-type none
  (umask 077 && cat >"$work/kubeconfig" <<CONFIG
apiVersion: v1
kind: Config
clusters: [{name: here, cluster: {server: "https://127.0.0.1:$port", certificate-authority: $work/certificates/apiserver.crt}}]
users: [{name: admin, user: {token: $token}}]
contexts: [{name: here, context: {cluster: here, user: admin}}]
current-context: here
CONFIG
  )
  until_answered 90 k get --raw /readyz || fail "the API server did not get ready: $(tail -n 3 "$work"/*.log)"
}

verdict() { # $1: what was looked at; $2: ok, or what is wrong
  if [ "$2" = ok ]; then
    passed=$((passed + 1))
    say "ok: $1"
  else
    failures=$((failures + 1))
    say "FAILED: $1: $2"
  fi
}

dry_run() { # $1: a file, or a folder with a kustomization; prints what kubectl and the server say
  if [ -d "$1" ]; then
    k kustomize "$1" | k apply --server-side --dry-run=server -f - 2>&1
  else
    k apply --server-side --dry-run=server -n ballast -f "$1" 2>&1
  fi
}

define_kinds() { # those that the manifests have: each costs the server a second
  local kinds definition files=()
  kinds=" $(grep -rhoE --include '*.yaml' '^kind: [A-Za-z]+' "$K8S" | sort -u | cut -d' ' -f2 | tr '\n' ' ') "
  for definition in "$home"/schemas/crds/*.yaml; do
    if [[ $kinds == *" $(sed -n '/^    kind: /{s///p;q;}' "$definition") "* ]]; then
      files+=(-f "$definition")
    fi
  done
  k apply --server-side "${files[@]}" >/dev/null
  k wait --for condition=established --timeout 60s crd --all >/dev/null
}

policies_hold() { # refuses what they were made for: the server takes a moment to read them
  ! dry_run "$K8S/checks/mistakes/limit" && grep -q ballast-workloads "$work/answer"
}

started=$SECONDS
start_servers
say "etcd and $("$home/bin/kube-apiserver" --version) on loopback: ready in $((SECONDS - started)) s"
define_kinds
k apply --server-side -f "$K8S/base/namespace.yaml" >/dev/null
k apply --server-side -k "$K8S/admission" >/dev/null
until_answered 30 policies_hold || fail "the policies of k8s/admission are not heeded: $(cat "$work/answer")"

while IFS= read -r kustomization; do
  folder=${kustomization%/kustomization.yaml}
  if ! said=$(dry_run "$folder"); then
    verdict "${folder#"$K8S/"}" "$said"
  elif [[ $said == *Warning:* ]]; then
    verdict "${folder#"$K8S/"}" "$(grep -A5 Warning: <<<"$said")"
  else
    verdict "${folder#"$K8S/"}: $(wc -l <<<"$said") resources" ok
  fi
done < <(find "$K8S" -name kustomization.yaml -not -path "$K8S/checks/mistakes/*" -not -path "$K8S/target/*" -exec grep -l '^kind: Kustomization' {} + | sort)
for file in "$K8S"/gates/*.yaml; do
  said=$(dry_run "$file") && verdict "${file#"$K8S/"}" ok || verdict "${file#"$K8S/"}" "$said"
done

for mistake in "$K8S"/checks/mistakes/*/kustomization.yaml; do
  folder=${mistake%/*}
  words=$(sed -n 's/^# server: //p' "$mistake")
  if said=$(dry_run "$folder"); then
    verdict "${folder#"$K8S/"}" "was taken"
  elif [ -z "$words" ] || [[ $said != *"$words"* ]]; then
    verdict "${folder#"$K8S/"}" "refused for another reason: $(grep -v 'serverside-applied' <<<"$said")"
  else
    verdict "${folder#"$K8S/"}: refused, $words" ok
  fi
done
if [ -x "$K8S/monitoring/test.sh" ]; then
  said=$("$K8S/monitoring/test.sh" 2>&1) && verdict "monitoring: rules" ok || verdict "monitoring: rules" "$said"
fi
say "took $((SECONDS - started)) s"
say "$passed passed, $failures failed"
[ "$failures" -eq 0 ]
