#!/usr/bin/env bash
# Configures and builds the native library for Maven: build.sh CMAKE SOURCE BUILD PLATFORM
# Stops with the package to install where a tool is missing.
set -euo pipefail
cmake=$1 source=$2 build=$3 platform=$4

need() {
  if ! command -v "$1" >/dev/null 2>&1; then
    echo "jbatchnorm: $1 not found: install it with: apt-get install $2" >&2
    exit 1
  fi
}

options=()
machine=$(uname -m)
case "$platform-$machine" in
  linux-x86_64-x86_64 | linux-arm64-aarch64) need "${CXX:-g++}" g++ ;;
  linux-arm64-*)
    need aarch64-linux-gnu-g++ g++-aarch64-linux-gnu
    need qemu-aarch64-static qemu-user-static
    options+=("-DCMAKE_TOOLCHAIN_FILE=$source/native/cmake/linux-arm64.cmake")
    ;;
  *)
    echo "jbatchnorm: no native build for $platform on $machine (linux-x86_64, linux-arm64)" >&2
    exit 1
    ;;
esac
need "$cmake" cmake
need make make
if ! ls /usr/include/doctest/doctest.h >/dev/null 2>&1; then
  echo "jbatchnorm: doctest not found: install it with: apt-get install doctest-dev" >&2
  exit 1
fi

"$cmake" --no-warn-unused-cli -S "$source" -B "$build" -DCMAKE_BUILD_TYPE=Release "${options[@]}"
"$cmake" --build "$build" --parallel "$(nproc)"
