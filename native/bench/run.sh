#!/usr/bin/env bash
# Builds the kernel, installs it under target/native, builds the harness against that as any native
# user would, and runs it: run.sh [options of jbatchnorm_bench]
set -euo pipefail
cd "$(dirname "$0")/../.."

for package in g++ cmake make libbenchmark-dev libcli11-dev nlohmann-json3-dev; do
  if ! dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "ok installed"; then
    echo "jbatchnorm: $package not found: install it with: apt-get install $package" >&2
    exit 1
  fi
done

prefix=$PWD/target/native
cmake -S . -B target/cmake/bench-kernel -DCMAKE_BUILD_TYPE=Release -DJBATCHNORM_TESTS=OFF \
  -DCMAKE_INSTALL_PREFIX="$prefix" >/dev/null
cmake --build target/cmake/bench-kernel --parallel "$(nproc)" >/dev/null
cmake --install target/cmake/bench-kernel >/dev/null
cmake -S native/bench -B target/cmake/bench -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
cmake --build target/cmake/bench --parallel "$(nproc)" >/dev/null
exec target/cmake/bench/jbatchnorm_bench "$@"
