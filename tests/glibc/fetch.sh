#!/usr/bin/env bash
# Unpacks the C library and a few programs of another Debian release into a folder, to be run there by
# their own loader: fetch.sh SUITE FOLDER. Uses the package source this machine already has, with the
# suite's name replaced, and an apt state of its own, so nothing is installed and nothing changes.
set -euo pipefail
suite=${1:?suite, e.g. bullseye} folder=${2:?an empty folder}
packages=(libc6 coreutils bash grep findutils sed libselinux1 libacl1 libattr1 libtinfo6 libgcc-s1
          libgmp10 libcap2 perl-base)
case $suite in
    bullseye) packages+=(libpcre2-8-0 libcrypt1) ;;
    trixie) packages+=(libpcre2-8-0 libcrypt1 libssl3t64 libsystemd0 libzstd1 zlib1g) ;;
esac
[[ -f $folder/.complete ]] && exit 0

state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
mkdir -p "$state"/{lists/partial,cache/archives/partial,etc} "$folder"
. /etc/os-release
uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $VERSION_CODENAME" \
    'Component: main' | head -1)
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suite main" \
    > "$state/etc/sources.list"
options=(-o Dir::Etc::SourceList="$state/etc/sources.list" -o Dir::Etc::SourceParts=/dev/null
         -o Dir::State::Lists="$state/lists" -o Dir::Cache="$state/cache"
         -o Dir::State::status=/dev/null -o APT::Sandbox::User=root -o Acquire::Languages=none)
apt-get "${options[@]}" update -q >"$state/log" 2>&1 || { cat "$state/log" >&2; exit 1; }
for package in "${packages[@]}"; do
    (cd "$state" && apt-get "${options[@]}" download -q "$package" >>log 2>&1) ||
        { echo "fetch.sh: $suite has no $package" >&2; exit 1; }
done
for archive in "$state"/*.deb; do
    dpkg-deb -x "$archive" "$folder"
done
touch "$folder/.complete"
