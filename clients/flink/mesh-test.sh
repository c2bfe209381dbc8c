#!/usr/bin/env bash
# The Flink job against a real mesh: the README's 1,000 rows, a job that is killed by SIGKILL between its first committed rows and its last,
# and the same command again. Starts a mesh of its own on free ports, with its data elsewhere and a token, and stops it; builds what is not built.
# Six minutes beyond that on two cores that much else was busy on. Needs a python3 (PYTHON names another), which reads the output.
set -euo pipefail

here=$(cd -P "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mesh=$here/../../mesh
python=${PYTHON:-python3}
rows=1000
work=$(mktemp -d)
scores=$work/scores
job=

say() { printf 'mesh-test: %s\n' "$*"; }

fail() {
  say "$@" >&2
  tail -n 20 "$work"/*.log >&2
  exit 1
}

clean_up() {
  trap - EXIT INT TERM
  [ -z "$job" ] || kill -KILL "$job" 2>/dev/null || true
  BALLAST_BUILD=no "$mesh" down --data "$work/mesh" >/dev/null 2>&1 || true # there may be none
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# the caller's own mesh is not meant
for name in $(compgen -e BALLAST_ || true); do
  case $name in
    BALLAST_BUILD | BALLAST_JDKS | BALLAST_JAVA_OPTIONS | BALLAST_MAVEN_OPTIONS) ;;
    *) unset "$name" ;;
  esac
done
export BALLAST_TOKEN=of-the-flink-job

read -r port http_port < <("$python" -c '
import socket
both = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(each.getsockname()[1] for each in both))')
mkdir "$work/data"
for i in $(seq 1 "$rows"); do echo "{\"id\": $i, \"prompt\": \"int size$i = list.\", \"completions\": [\"size();\", \"banana\"]}"; done >"$work/data/rows.jsonl"

# One row a call, one call after the other, and many checkpoints: it is killed long before its last row, however fast the machine.
score() {
  exec "$here/bulk-score" --input "$work/data" --output "$scores" --target "127.0.0.1:$port" \
    --parallelism 1 --in-flight 1 --batch-items 2 --checkpoint-every 200ms --file-size 1kb --progress-every 1s
}

committed() { find "$scores" -maxdepth 1 -name 'scores-*.jsonl' 2>/dev/null; }

"$here/bulk-score" --help >"$work/build.log" 2>&1 || fail "the job cannot be built"
"$mesh" up --detach --port "$port" --http-port "$http_port" --data "$work/mesh" --set "ballast.token=$BALLAST_TOKEN" >"$work/up.log" 2>&1 \
  || fail "no mesh"
say "a mesh answers at 127.0.0.1:$port"

score >"$work/killed.log" 2>&1 &
job=$!
SECONDS=0
until [ -n "$(committed)" ]; do
  kill -0 "$job" 2>/dev/null || fail "the job ended before a row was committed"
  [ "$SECONDS" -lt 120 ] || fail "no row is committed"
  sleep 0.05
done
kill -KILL "$job"
status=0
wait "$job" 2>/dev/null || status=$?
job=
[ "$status" -eq 137 ] || fail "the job was to be killed, and ended by itself: $status"
before=$(committed | xargs cat | wc -l)
[ "$before" -gt 0 ] && [ "$before" -lt "$rows" ] || fail "killed with $before of $rows rows committed"
committed | xargs cksum >"$work/committed"
say "killed with $before of $rows rows committed"

(score) >"$work/again.log" 2>&1 || fail "the same command fails"
grep -q 'goes on from _job/start-1/chk-' "$work/again.log" || fail "it did not go on from a checkpoint"
grep -q 'finished: 1,000 rows, each once; 2,000 values by .*; failures: none' "$work/again.log" || fail "it did not finish"
say "$(grep 'goes on from' "$work/again.log")"
say "$(grep 'finished: ' "$work/again.log")"
cut -d ' ' -f 3- "$work/committed" | xargs cksum | cmp - "$work/committed" || fail "what was committed before the kill is another now"
! grep -rqF "$BALLAST_TOKEN" "$scores" || fail "the token is in the output's folder"

"$python" - "$scores" "$rows" <<'JUDGE' || fail "the output is not what it has to be"
import json, math, pathlib, sys

folder, count = pathlib.Path(sys.argv[1]), int(sys.argv[2])
rows = [json.loads(line) for file in folder.glob("scores-*.jsonl") for line in file.read_text("utf-8").splitlines()]
pinned = json.loads((folder / "_job/spec.json").read_text("utf-8"))["model"]
wrong = []
if sorted(row["id"] for row in rows) != list(range(1, count + 1)):
    wrong.append(f"{len(rows)} rows, {len({row['id'] for row in rows})} of them different (expected: 1 to {count}, each once)")
for row in rows:
    values = [result.get("value") for result in row.get("results", [])]
    if len(values) != 2 or not all(isinstance(value, float) and math.isfinite(value) for value in values):
        wrong.append(f"row {row['id']}: {row} (expected: two finite values)")
    if row["line"] != row["id"] or row["model"] != f"{pinned['model']}/{pinned['version']}":
        wrong.append(f"row {row['id']}: line {row['line']}, by {row['model']} (expected: its line, by {pinned})")
if wrong:
    sys.exit("\n".join(wrong[:10]))
values = [result["value"] for row in rows for result in row["results"]]
print(f"mesh-test: {len(rows)} rows, each once; {len(values)} finite values, {min(values):.3f} to {max(values):.3f}, by {rows[0]['model']}")
JUDGE
