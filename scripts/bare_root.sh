#!/usr/bin/env bash
# Runs scripts/run and scripts/test in an empty Debian 12: shows that they install all they need.
# Takes the tracked files as they are in the working tree. Needs root, for debootstrap and chroot.
#
#   scripts/bare_root.sh [--keep]     --keep leaves build/bare-root for a look
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/setup.sh
acadlc_setup check

keep=false
if [ "${1:-}" = --keep ]; then
  keep=true
fi
if [ "$(id -u)" -ne 0 ]; then
  exec sudo "$0" "$@"
fi

bare=$PWD/build/bare-root
cache=$PWD/build/bare-root-packages
mounted=()
finish() {
  local folder
  for folder in "${mounted[@]}"; do
    umount "$folder"
  done
  # Never remove a tree in which the host's /proc or /dev might still be mounted.
  if ! $keep && ! grep -qF " $bare/" /proc/self/mounts; then
    rm -rf "$bare"
  fi
}
trap finish EXIT

if grep -qF " $bare/" /proc/self/mounts; then
  echo "$bare still has mounts of an earlier run" >&2
  exit 1
fi
rm -rf "$bare"
mkdir -p "$bare" "$cache"
echo "making an empty Debian in build/bare-root"
debootstrap --variant=minbase --cache-dir="$cache" bookworm "$bare" \
  "${ACADLC_DEBIAN_MIRROR:-http://deb.debian.org/debian}" > "$PWD/build/bare-root.log" 2>&1 || {
  tail -n 20 "$PWD/build/bare-root.log" >&2
  exit 1
}
cp /etc/resolv.conf "$bare/etc/resolv.conf"
# Settings of the host that downloads may depend on (a proxy, a certificate).
cp -r /etc/apt/apt.conf.d/. "$bare/etc/apt/apt.conf.d/"
for folder in proc dev; do
  mount --bind "/$folder" "$bare/$folder"
  mounted+=("$bare/$folder")
done

mkdir -p "$bare/source/acadlc"
git ls-files --cached -z | tar --create --null --files-from=- | tar --extract -C "$bare/source/acadlc"

in_bare() {
  env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
    http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" \
    chroot "$bare" /bin/bash -c "cd /source/acadlc && $1"
}
in_bare "scripts/run"
in_bare "scripts/test"
