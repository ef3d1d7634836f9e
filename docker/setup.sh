#!/usr/bin/env bash
# Installs what is missing of the Debian packages that farside needs; this is the one list of them.
#   setup.sh build    to build and try it
#   setup.sh test     to run all tests too
set -euo pipefail

build=(
    g++ cmake ninja-build pkg-config
    libboost1.81-dev libcli11-dev libre2-dev libsimdjson-dev
    busybox-static python3 valgrind
)
test=(
    libbenchmark-dev libgmock-dev libgtest-dev
    clang-14 clang-format-14 libclang-rt-14-dev
    docker.io iproute2 procps util-linux
    acl attr bzip2 cpio diffutils ed file gawk gcc gdb git gzip inotify-tools ksh93u+m less libasan8 libjemalloc2 ltrace make
    nano nodejs openjdk-17-jdk-headless patch perl php-cli python3-venv rsync ruby sqlite3 strace tar
    unzip vim xxd xz-utils zip zsh zstd
)

case ${1:-build} in
    build) wanted=("${build[@]}") ;;
    test) wanted=("${build[@]}" "${test[@]}") ;;
    *) echo "setup.sh: build or test" >&2 && exit 2 ;;
esac

missing=()
for package in "${wanted[@]}"; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [[ $state == installed ]] || missing+=("$package")
done
[[ ${#missing[@]} -eq 0 ]] && exit 0

echo "setup.sh: installing ${missing[*]}"
as_root=()
[[ $EUID -eq 0 ]] || as_root=(sudo)
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -q </dev/null
"${as_root[@]}" apt-get install -q -y --no-install-recommends "${missing[@]}" </dev/null
