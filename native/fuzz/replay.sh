#!/usr/bin/env bash
# Replays the targets' corpora and random inputs: replay.sh BUILD [RANDOM-INPUTS [SEED]]
# BUILD is configured with JBATCHNORM_FUZZ=ON, with any compiler and with or without sanitizers.
set -euo pipefail
build=$1 count=${2:-5000} seed=${3:-1}
cmake --build "$build" --parallel "$(nproc)" --target replay_batchnorm replay_arrays replay_shares >/dev/null
export OMP_WAIT_POLICY=passive ASAN_OPTIONS=abort_on_error=1
for target in batchnorm arrays shares; do
  "$build/native/fuzz/replay_$target" "$(dirname "$0")/$target.corpus" "$count" "$seed"
done
