#!/usr/bin/env bash
# Installs what manifests are checked with, once, built from the Go module proxy: kubeconform, and strict schemas of Kubernetes and of each
# CustomResourceDefinition that they use, and kustomize where neither it nor kubectl is there; with --server etcd and kube-apiserver, too, and
# kubectl where it is missing. Run again it only looks. Prints the folder, whose bin has what was built. bash 3.2 will do.
#   BALLAST_KUBERNETES_HOME  where to; by default ${XDG_CACHE_HOME:-~/.cache}/ballast/kubernetes
set -euo pipefail

readonly KUSTOMIZE=5.8.1

here=$(cd -P "$(dirname "${BASH_SOURCE[0]}")" && pwd)
home=${BALLAST_KUBERNETES_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/ballast/kubernetes}
tools="$here/tools"
log="$home/setup.log"

say() { printf 'kubernetes: %s\n' "$*" >&2; }

fail() { # one line
  say "$@"
  exit 1
}

needs_go() {
  command -v go >/dev/null || fail "Go is missing: 1.26 or newer builds the tools and brings the schemas, once (Debian, Ubuntu: apt install golang-go, if it is new enough; macOS: brew install go; everywhere: go.dev/dl)"
}

failed() {
  fail "$(tail -n 1 "$log"): mend the connection, GOPROXY or Go's version; all words are in $log"
}

# A module of the server's own requirements: those of Kubernetes stand in folders of its checkout, which the proxy does not have.
server_module() { # $1: version of Kubernetes; $2: folder
  local sources
  sources=$(cd /tmp && go mod download -json "k8s.io/kubernetes@v$1" | sed -n 's/.*"Dir": "\(.*\)",*/\1/p')
  mkdir -p "$2"
  {
    echo "module server"
    grep -m1 '^go ' "$sources/go.mod"
    echo "require k8s.io/kubernetes v$1"
    grep -oE 'k8s\.io/[a-z0-9-]+ v0\.0\.0$' "$sources/go.mod" | sort -u | sed "s|\(.*\) v0.0.0|replace \1 => \1 v0.${1#*.}|"
  } >"$2/go.mod"
  cp "$sources/go.sum" "$2/go.sum"
  chmod u+w "$2/go.sum"
  printf '//go:build tools\n\npackage tools\n\nimport (\n\t_ "go.etcd.io/etcd/server/v3"\n\t_ "k8s.io/kubernetes/cmd/kube-apiserver"\n\t_ "k8s.io/kubernetes/cmd/kubectl"\n)\n' >"$2/tools.go"
  (cd "$2" && go mod tidy)
}

mkdir -p "$home/bin" || fail "cannot write $home; set BALLAST_KUBERNETES_HOME to a folder that you may write"
exec 9>"$home/lock"
if command -v flock >/dev/null; then
  flock 9 # two set-ups at a time would tread on each other
fi

wanted=$(cd "$tools" && cat go.mod go.sum modules.txt ./*.go | cksum)
if [ "$(cat "$home/installed" 2>/dev/null)" != "$wanted" ]; then
  needs_go
  say "installing kubeconform and schemas into $home: about 45 s of one core, 110 MB are fetched"
  rm -rf "$home/installed" "$home/schemas"
  (cd "$tools" && GOBIN="$home/bin" go install github.com/yannh/kubeconform/cmd/kubeconform && go run . modules.txt "$home/schemas") >"$log" 2>&1 || failed
  printf '%s' "$wanted" >"$home/installed"
fi
PATH="$home/bin:$PATH"
if ! command -v kubectl >/dev/null && ! command -v kustomize >/dev/null; then
  needs_go
  say "installing kustomize $KUSTOMIZE into $home, for there is no kubectl either: about 50 s of two cores"
  GOBIN="$home/bin" go install "sigs.k8s.io/kustomize/kustomize/v5@v$KUSTOMIZE" >"$log" 2>&1 || failed
fi

if [ "${1:-}" = --server ]; then
  version=$(sed -n 's/^k8s\.io\/kubernetes v\([^ ]*\) .*/\1/p' "$tools/modules.txt")
  if [ ! -x "$home/bin/etcd" ] || [ "$("$home/bin/kube-apiserver" --version 2>/dev/null)" != "Kubernetes v$version" ]; then
    needs_go
    say "building etcd and kube-apiserver $version into $home: 15 to 20 minutes of two cores, 2.3 GB below $(go env GOMODCACHE) and $(go env GOCACHE); once"
    (server_module "$version" "$home/server" && cd "$home/server" \
      && CGO_ENABLED=0 go build -ldflags=-s -o "$home/bin/etcd" go.etcd.io/etcd/server/v3 \
      && CGO_ENABLED=0 go build -ldflags="-s -X k8s.io/component-base/version.gitVersion=v$version" -o "$home/bin/kube-apiserver" k8s.io/kubernetes/cmd/kube-apiserver) >"$log" 2>&1 || failed
  fi
  if ! command -v kubectl >/dev/null; then
    needs_go
    say "building kubectl $version into $home"
    (server_module "$version" "$home/server" && cd "$home/server" && CGO_ENABLED=0 go build -ldflags=-s -o "$home/bin/kubectl" k8s.io/kubernetes/cmd/kubectl) >"$log" 2>&1 || failed
  fi
fi
printf '%s\n' "$home"
