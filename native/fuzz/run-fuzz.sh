#!/usr/bin/env bash
# Fuzzes the targets on every core: run-fuzz.sh SECONDS OUT [JOBS], in a folder that portable.sh made.
# A third of the jobs is for each target; of four of these, one is under ASan and UBSan, the others check by guard pages and
# bits alone, which is ten times as fast. OUT/counts has what was executed; OUT/crash-*, timeout-* and failed-*.log are findings. Fails where
# there is one.
set -euo pipefail
seconds=$1 out=$(realpath -m "$2") jobs=${3:-$(nproc)}
cd "$(dirname "$0")"
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
export OMP_WAIT_POLICY=passive ASAN_OPTIONS=detect_leaks=0
# libFuzzer's bookkeeping, by default, takes longer than the calls.
options=(-max_len=96 -len_control=0 -timeout=60 -rss_limit_mb=4096 -entropic=0 -print_funcs=0 -reload=0)

# Runs a target: KIND TARGET OPTIONS; with the C library that lies here where this machine's is older.
fuzz() {
  local kind=$1 target=$2 start=()
  shift 2
  if ! LD_LIBRARY_PATH=$kind:$PWD $kind/fuzz_$target -help=1 >/dev/null 2>&1; then
    start=("$PWD/glibc/ld-linux-x86-64.so.2" --library-path "$PWD/$kind:$PWD:$PWD/glibc")
  fi
  LD_LIBRARY_PATH=$PWD/$kind:$PWD "${start[@]}" "$kind/fuzz_$target" "${options[@]}" "$@"
}

for target in batchnorm arrays shares; do
  mkdir "$work/$target"
  line=0
  while read -r digits; do
    line=$((line + 1))
    printf '%s' "$digits" | sed 's/../\\x&/g' | xargs -0 printf >"$work/$target/$line"
  done <$target.corpus
done

job() {
  local number=$1 kind=plain targets=(batchnorm arrays shares) target
  target=${targets[$((number % 3))]}
  [ $((number / 3 % 4)) != 3 ] || kind=sanitized
  cp -r "$work/$target" "$work/$number"
  fuzz $kind $target -seed=$((number + 1)) -max_total_time="$seconds" -print_final_stats=1 \
    -artifact_prefix="$out/" "$work/$number" >"$work/$number.log" 2>&1 ||
    cp "$work/$number.log" "$out/failed-$number-$kind-$target.log"
  echo "$kind $target $(awk '/number_of_executed_units/ { print $2; exit }' "$work/$number.log")" >"$work/$number.count"
}
for ((number = 0; number < jobs; number++)); do
  job "$number" &
done
wait

awk '{ sums[$1 " " $2] += $3; jobs[$1 " " $2]++ }
  END { for (kind in sums) printf "%-20s %3d jobs %12d executions\n", kind, jobs[kind], sums[kind] }' \
  "$work"/*.count | sort | tee "$out/counts"
! ls "$out"/failed-* >/dev/null 2>&1
