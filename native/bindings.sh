#!/usr/bin/env bash
# Compiles JavaCPP's sources for Maven, in place of the compiler $NATIVE_COMPILER, with whose arguments it is called. JavaCPP writes
# functions in the order in which the JVM lists methods, another one in each run; here they are sorted first, for the same bytes.
set -euo pipefail

# sorted SOURCE: what comes before the functions, these by their names, what comes after.
sorted() {
  awk '/^JNIEXPORT .* JNICALL Java_/ { key = $4 }
       { print key "\t" $0 }
       /^}/ && key != "" { key = "~" }' "$1" | LC_ALL=C sort -s -t $'\t' -k 1,1 | cut -f 2-
}

for argument in "$@"; do
  if [[ $argument == *.cpp ]]; then
    sorted "$argument" >"$argument.sorted"
    mv "$argument.sorted" "$argument"
  fi
done
exec "$NATIVE_COMPILER" "$@"
