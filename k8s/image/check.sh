#!/usr/bin/env bash
# Runs the image that build.sh made as Kubernetes would, without a daemon: unpacks it, and starts its entry point in namespaces of its own,
# with its root read-only, as its user, with its environment alone, as a reward-server. Its natives have to load, and it has to answer health and to score. Linux, as root.
# `./mesh test --image` calls it. The image's processes end with it, whatever happens.
set -euo pipefail

ROOT=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly ROOT
readonly TAR="$ROOT/k8s/target/image/ballast.tar"

say() { printf 'image: %s\n' "$*"; }

fail() {
  say "$@" >&2
  exit 1
}

[ "$(uname -s)" = Linux ] && [ "$(id -u)" = 0 ] || fail "only root on Linux may run an image by chroot; elsewhere load $TAR into what runs containers"
[ -f "$TAR" ] || fail "there is no image yet: ./mesh image"

work=$(mktemp -d)
server=

clean_up() {
  trap - EXIT INT TERM
  [ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true
  [ -z "$server" ] || wait "$server" 2>/dev/null || true
  rm -rf --one-file-system "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

strings() { # $1: a list of the configuration; prints its strings, one a line
  sed -n "s/.*\"$1\":\[\([^]]*\)\].*/\1/p" "$work/tar/config.json" | sed 's/","/\n/g; s/^"//; s/"$//'
}

text() { # $1: a text of the configuration
  sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$work/tar/config.json"
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

say "unpacking $(du -h "$TAR" | cut -f1)"
mkdir -p "$work/tar" "$work/root"
tar --warning=no-unknown-keyword -xf "$TAR" -C "$work/tar"
for layer in $(grep -o '[0-9a-f]*\.tar\.gz' "$work/tar/manifest.json"); do
  tar --warning=no-unknown-keyword -xzf "$work/tar/$layer" -C "$work/root"
  rm "$work/tar/$layer"
done
mkdir -p "$work/root"/{dev,proc,tmp,data,repository} "$work/repository" # as a runtime makes them
chown "$(text User)" "$work/repository"
touch "$work/root/dev"/{null,zero,random,urandom}

port=$(free_port)
http=$(free_port)
mapfile -t environment < <(strings Env)
mapfile -t entry < <(strings Entrypoint)

# Runs a program of the image as a runtime would: its root read-only, its user, its environment and what else is named before --.
in_image() {
  # shellcheck disable=SC2016 # the inner shell expands it
  exec setpriv --pdeathsig KILL -- unshare --mount --pid --fork --kill-child bash -c '
    set -e
    root=$1 user=$2 chroot=$(command -v chroot)
    shift 2
    mount --bind "$root" "$root"
    mount -o remount,bind,ro "$root"
    mount -t proc proc "$root/proc"
    for device in null zero random urandom; do
      mount --bind "/dev/$device" "$root/dev/$device"
    done
    mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
    mount -t tmpfs -o mode=1777 tmpfs "$root/data"
    mount --bind "${root%/*}/repository" "$root/repository" # the one volume that outlives a container
    variables=()
    while [ "$1" != -- ]; do
      variables+=("$1")
      shift
    done
    shift
    # not by exec: this shell is the first process of its namespace, so all others end with it; it ends with unshare, as what
    # changes its user would not
    env -i "${variables[@]}" "$chroot" --userspec="$user" "$root" "$@"
    exit $?
  ' inner "$work/root" "$(text User)" "${environment[@]}" JAVA_TOOL_OPTIONS=-Duser.home=/tmp DJL_CACHE_DIR=/tmp/djl BALLAST_DATA=/data "$@"
}

command_line=("${entry[0]}" "${entry[1]}" -Dballast.home=/opt/ballast -cp '/opt/ballast/app/*:/opt/ballast/lib/main/*:/opt/ballast/lib/boot/*'
  io.ballast.standalone.cli.MeshCommand)
said=$(in_image -- "${command_line[@]}" doctor 2>"$work/log") || true # of a pod it has more to say
for native in libtorch 'ONNX Runtime' tokenizers XGBoost; do
  line=$(grep "$native" <<<"$said") || fail "doctor says nothing of $native: $said $(tail -n 5 "$work/log")"
  [[ $line == ok* ]] || fail "$line"
  say "ok: $(tr -s ' ' <<<"${line#ok}")"
done
# what the init containers of components/triton do, and do again in the same pod when its node starts anew
export_models() {
  in_image -- "${command_line[@]}" models export --data=/data --triton=/repository --keep --backend=onnxruntime --device=gpu java-cost/1 java-cost/2 2>&1
}
said=$(export_models) || fail "models export: $said"
said=$(export_models) || fail "models export, once more: $said"
[[ $said == *"left as it was in /repository/java-cost"* ]] || fail "models export wrote what was there: $said"
say "ok: models export, and once more"

# as an overlay does that raises the heap: what is said last of a variable holds
said=$(in_image JDK_JAVA_OPTIONS=-Xmx96m -- "${entry[0]}" "${entry[1]}" -XX:+PrintFlagsFinal -version 2>"$work/log") || fail "java: $(tail -n 5 "$work/log")"
grep -Eq ' MaxHeapSize += 100663296 ' <<<"$said" || fail "JDK_JAVA_OPTIONS=-Xmx96m: $(grep MaxHeapSize <<<"$said")"
say "ok: JDK_JAVA_OPTIONS says how large the heap is"

started=$SECONDS
in_image BALLAST_ROLES=reward BALLAST_MODELS=/opt/ballast/models "BALLAST_PORT=$port" "BALLAST_HTTP_PORT=$http" QUARKUS_LOG_FILE_ENABLED=false \
  QUARKUS_LOG_CONSOLE_JSON_ENABLED=true -- "${entry[@]}" >"$work/log" 2>&1 &
server=$!

until curl -sf "http://127.0.0.1:$http/q/health/ready" >"$work/ready"; do
  kill -0 "$server" 2>/dev/null || fail "it ended: $(tail -n 20 "$work/log")"
  [ $((SECONDS - started)) -lt 120 ] || fail "not ready after 120 s: $(tail -n 20 "$work/log")"
  sleep 0.2
done
say "ready after $((SECONDS - started)) s, as $(text User), its root read-only"
grep -q '"loggerName":"io\.ballast\.' "$work/log" || fail "its log is not JSON: $(tail -n 5 "$work/log")"
say "ok: its log is JSON"
curl -sf "http://127.0.0.1:$http/q/health/live" | grep -q '"UP"' || fail "/q/health/live is not UP"
say "ok: /q/health/live"
said=$(curl -s "http://127.0.0.1:$http/get_reward" -H 'Content-Type: application/json' -d '{"query": ["int a = 1;"], "prompts": ["int a "]}')
grep -Eq '"rewards": *\[-?[0-9.E-]+\]' <<<"$said" || fail "no reward: $said"
say "ok: it scores, $said"
say "9 passed, 0 failed"
