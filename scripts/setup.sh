#!/usr/bin/env bash
# Sourced by the other scripts: installs the Debian 12 packages that are missing.
#
#   . scripts/setup.sh; acadlc_setup build test
#
# Groups: build (compile acadlc), test (run the tests), bench (compile the benchmarks), check (linters,
# fuzzers, bare root).
# Nothing is downloaded, and no privilege needed, when all is there.

acadlc_packages() {
  case "$1" in
  build)
    echo g++ cmake ninja-build ccache python3 antlr4 libantlr4-runtime-dev uuid-dev \
      llvm-19-dev zlib1g-dev libzstd-dev libfmt-dev libcli11-dev doctest-dev
    ;;
  test) echo llvm-19-tools graphviz neovim ;;
  bench) echo libbenchmark-dev ;;
  check) echo clang-19 libclang-rt-19-dev clang-tidy-19 clang-format-19 debootstrap ;;
  *)
    echo "setup.sh: unknown group of packages '$1'" >&2
    return 1
    ;;
  esac
}

acadlc_setup() {
  if ! command -v dpkg-query > /dev/null; then
    echo "setup.sh: not a Debian system, please install what scripts/setup.sh lists" >&2
    return 0
  fi
  local group package missing=()
  for group in "$@"; do
    for package in $(acadlc_packages "$group"); do
      dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null | grep -qx installed ||
        missing+=("$package")
    done
  done
  if [ ${#missing[@]} -eq 0 ]; then
    return 0
  fi
  echo "installing: ${missing[*]}" >&2
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo)
  fi
  # The lists may be missing or too old; an update is only tried when the first attempt fails.
  local install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive
    apt-get install --yes --quiet --no-install-recommends "${missing[@]}")
  "${install[@]}" > /dev/null 2>&1 || {
    "${as_root[@]}" apt-get update --quiet > /dev/null
    "${install[@]}" > /dev/null
  }
}
