#!/usr/bin/env bash
# serve.sh HOME REPOSITORY GRPC_PORT HTTP_PORT [FLAG…]: runs the Triton installed in HOME on 127.0.0.1 until its standard input ends, so that it never
# outlives who started it. Prints the server's process id; what the server says goes to standard error.
#   BALLAST_METRICS_PORT  where its metrics are; without it there are none
set -euo pipefail
home=$1 repository=$2 grpc=$3 http=$4
shift 4
metrics=(--allow-metrics=false)
[ -z "${BALLAST_METRICS_PORT:-}" ] || metrics=(--metrics-address=127.0.0.1 --metrics-port="$BALLAST_METRICS_PORT" --allow-gpu-metrics=false)
triton="$home/site-packages/pytriton/tritonserver"
prefix="ballast-triton-$$-"

# the stub finds NumPy through the python that is first on the path
export PATH="$home/venv/bin:$PATH" CUDA_VISIBLE_DEVICES='' OMP_NUM_THREADS=1
export LD_LIBRARY_PATH="$home/site-packages/nvidia_pytriton.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

exec 3<&0
# a process group of its own: the processes of its models outlive a server that was killed
setsid "$triton/bin/tritonserver" --model-repository="$repository" --model-control-mode=explicit --disable-auto-complete-config \
  --backend-directory="$triton/backends" --cache-directory="$triton/caches" \
  --backend-config=python,shm-region-prefix-name="$prefix" --backend-config=python,shm-default-byte-size=1048576 \
  --grpc-address=127.0.0.1 --grpc-port="$grpc" --http-address=127.0.0.1 --http-port="$http" \
  "${metrics[@]}" --exit-timeout-secs=3 "$@" 1>&2 3<&- </dev/null &
pid=$!
printf '%s\n' "$pid"
{
  cat <&3 >/dev/null
  kill -CONT "$pid" 2>/dev/null || true
  kill -TERM "$pid" 2>/dev/null || true
  sleep 6
  kill -KILL -- "-$pid" 2>/dev/null || true
} 1>&2 &
watcher=$!
code=0
wait "$pid" || code=$?
kill "$watcher" 2>/dev/null || true
kill -KILL -- "-$pid" 2>/dev/null || true
rm -f /dev/shm/"$prefix"*
exit "$code"
