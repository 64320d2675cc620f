#!/usr/bin/env bash
# Installs a built jbatchnorm, builds the example on it with CMake and, where there is pkg-config, with
# that, and holds what it prints to what is expected: run.sh CMAKE BUILD
set -euo pipefail
cmake=$1 build=$2
here=$(cd "$(dirname "$0")" && pwd)
expected="-1.019049 -2.449490
-0.339683  2.449490
 1.358732  0.000000
dbeta 1 1"

check() {
  got=$("$@")
  if [ "$got" != "$expected" ]; then
    printf '%s: expected\n%s\ngot\n%s\n' "$1" "$expected" "$got" >&2
    exit 1
  fi
}

prefix=$build/example/installed
"$cmake" --install "$build" --prefix "$prefix" >/dev/null
"$cmake" -S "$here" -B "$build/example/cmake" -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
"$cmake" --build "$build/example/cmake" >/dev/null
check "$build/example/cmake/normalize"

if command -v pkg-config >/dev/null; then
  PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name jbatchnorm.pc)")
  export PKG_CONFIG_PATH
  # shellcheck disable=SC2046
  cc "$here/normalize.c" -o "$build/example/normalize" $(pkg-config --cflags --libs jbatchnorm)
  LD_LIBRARY_PATH=$(pkg-config --variable=libdir jbatchnorm)
  export LD_LIBRARY_PATH
  check "$build/example/normalize"
fi
