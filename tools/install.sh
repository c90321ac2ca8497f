#!/bin/bash
# Installs the Debian packages a task needs, if they are missing: install.sh base|test|e2e
set -euo pipefail

task=${1:?usage: install.sh base|test|e2e}
base=(git:git npm:npm patch:patch xz:xz-utils)
case $task in
  base) wanted=("${base[@]}") ;;
  test) wanted=("${base[@]}" /usr/lib/postgresql:postgresql bwrap:bubblewrap chromium:chromium cpio:cpio dpkg-source:dpkg-dev faketime:faketime gcc:gcc make:make openssl:openssl pkcs11-tool:opensc setpriv:util-linux softhsm2-util:softhsm2 zstd:zstd strace:strace insmod:kmod) ;;
  e2e) wanted=("${base[@]}" bwrap:bubblewrap qemu-system-x86_64:qemu-system-x86 busybox:busybox-static debootstrap:debootstrap
    gcc:build-essential aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu flex:flex bison:bison bc:bc gawk:gawk cpio:cpio modprobe:kmod pahole:dwarves recountdiff:patchutils rsync:rsync
    criu:criu mke2fs:e2fsprogs openssl:openssl zstd:zstd /usr/include/libelf.h:libelf-dev /usr/include/openssl/ssl.h:libssl-dev /usr/include/xxhash.h:libxxhash-dev) ;;
  *) echo "install.sh: unknown task '$task'" >&2; exit 64 ;;
esac

PATH=$PATH:/usr/sbin:/sbin
missing=()
for entry in "${wanted[@]}"; do
  probe=${entry%%:*} package=${entry##*:}
  case $probe in
    /*) [ -e "$probe" ] || missing+=("$package") ;;
    *) command -v "$probe" >/dev/null || missing+=("$package") ;;
  esac
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "install.sh: please install: ${missing[*]}" >&2
  exit 69
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "install.sh: please install as root: apt-get install ${missing[*]}" >&2
    exit 69
  fi
  as_root=(sudo)
fi
echo "installing Debian packages: ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
