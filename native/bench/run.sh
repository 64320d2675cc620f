#!/usr/bin/env bash
# Builds the kernel where Maven builds it, installs it under target/native, builds the harness against that as any native
# user would, and runs it: run.sh [options of jbatchnorm_bench]
set -euo pipefail
cd "$(dirname "$0")/../.."

for package in g++ cmake make doctest-dev libbenchmark-dev libcli11-dev nlohmann-json3-dev; do
  if ! dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "ok installed"; then
    echo "jbatchnorm: $package not found: install it with: apt-get install $package" >&2
    exit 1
  fi
done

prefix=$PWD/target/native
case $(uname -m) in
  x86_64) platform=linux-x86_64 ;;
  aarch64) platform=linux-arm64 ;;
  *) echo "jbatchnorm: no native build for $(uname -m)" >&2 && exit 1 ;;
esac
bash native/build.sh cmake . "target/cmake/$platform" "$platform" >/dev/null
cmake --install "target/cmake/$platform" --prefix "$prefix" >/dev/null
cmake -S native/bench -B target/cmake/bench -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
cmake --build target/cmake/bench --parallel "$(nproc)" >/dev/null
exec target/cmake/bench/jbatchnorm_bench "$@"
