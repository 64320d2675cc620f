#!/usr/bin/env bash
# Makes a folder with the fuzz targets, with and without sanitizers, that runs on another x86-64 Linux machine
# without installing anything: portable.sh FOLDER; there, FOLDER/run-fuzz.sh SECONDS OUT.
# Needs clang-14 libclang-rt-14-dev libomp-14-dev here.
set -euo pipefail
folder=$(realpath -m "$1")
cd "$(dirname "$0")/../.."
rm -rf "$folder"
mkdir -p "$folder"

build() {
  local kind=$1 build=target/cmake/portable-$1
  cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=clang++-14 -DJBATCHNORM_TESTS=OFF \
    -DJBATCHNORM_FUZZ=ON -DJBATCHNORM_SANITIZE="$2" -DCMAKE_EXE_LINKER_FLAGS="-static-libstdc++ -static-libgcc" \
    -DCMAKE_SHARED_LINKER_FLAGS="-static-libstdc++ -static-libgcc"
  cmake --build "$build" --parallel "$(nproc)" --target fuzz_batchnorm fuzz_arrays fuzz_shares
  mkdir "$folder/$kind"
  cp "$build"/native/fuzz/fuzz_{batchnorm,arrays,shares} "$build"/libjbatchnorm_kernel.so.0 "$folder/$kind"
  strip --strip-debug "$folder/$kind"/*
}

build plain ""
build sanitized address,undefined
cp -L "$(ldd "$folder/plain/fuzz_arrays" | awk '/libomp/ { print $3 }')" "$folder"
mkdir "$folder/glibc"
cp -L $(ldd "$folder/plain/fuzz_arrays" | grep -o '/lib[^ ]*/\(libc\|libm\|ld-linux\)[^ ]*') "$folder/glibc"
cp native/fuzz/*.corpus native/fuzz/run-fuzz.sh "$folder"
du -sh "$folder"
