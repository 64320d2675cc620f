#!/usr/bin/env bash
# Compiles JavaCPP's source for Maven with MPI's own compiler, which knows where its headers and its library are.
set -euo pipefail
if ! command -v mpicxx >/dev/null; then
  echo "mpicxx: not found. On Debian and Ubuntu: apt-get install libopenmpi-dev openmpi-bin" >&2
  exit 1
fi
[ "${1:-}" = --check ] || exec mpicxx "$@"
