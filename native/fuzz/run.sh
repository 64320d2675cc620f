#!/usr/bin/env bash
# Fuzzes a target with libFuzzer under ASan and UBSan: run.sh batchnorm|arrays|shares SECONDS
# Needs clang-14 libclang-rt-14-dev libomp-14-dev. New inputs are added to the target's corpus, a line of
# hexadecimal digits each, once they are reduced to those that reach something of their own.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=$1 seconds=$2
build=target/cmake/fuzz
corpus=native/fuzz/$target.corpus
export OMP_WAIT_POLICY=passive ASAN_OPTIONS=abort_on_error=1

cmake -S . -B $build -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=clang++-14 -DJBATCHNORM_TESTS=OFF \
  -DJBATCHNORM_FUZZ=ON -DJBATCHNORM_SANITIZE=address,undefined
cmake --build $build --parallel "$(nproc)" --target "fuzz_$target"
fuzz=$build/native/fuzz/fuzz_$target

found=$(mktemp -d) reduced=$(mktemp -d)
trap 'rm -r "$found" "$reduced"' EXIT
line=0
while read -r digits; do
  line=$((line + 1))
  printf '%s' "$digits" | sed 's/../\\x&/g' | xargs -0 printf >"$found/$line"
done <"$corpus"
"$fuzz" -max_len=96 -len_control=0 -entropic=0 -timeout=60 -max_total_time="$seconds" -print_final_stats=1 \
  -artifact_prefix="$build/" "$found"
"$fuzz" -merge=1 "$reduced" "$found" 2>&1 | tail -n 1
for input in "$reduced"/*; do
  od -An -v -tx1 "$input" | tr -d ' \n'
  echo
done | sort >"$corpus"
wc -l "$corpus"
