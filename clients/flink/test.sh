#!/usr/bin/env bash
# The tests of the Flink job: style, Error Prone and NullAway, and jobs that are killed and go on, against a Score on loopback. Two minutes;
# arguments are Maven's. It needs no mesh that is built.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
exec "${MAVEN:-mvn}" -B "$@" spotless:check verify
