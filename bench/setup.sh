#!/usr/bin/env bash
# Installs what bench/run measures farside against, beyond what tests need (docker/setup.sh test).
# Mounts need /dev/fuse; the ssh server is started by bench/run on a loopback port, with keys and a
# configuration of its own: the machine's own server is neither needed nor touched.
set -euo pipefail

wanted=(sshfs rclone fuse3 openssh-client openssh-server openssh-sftp-server sqlite3 python3)
missing=()
for package in "${wanted[@]}"; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [[ $state == installed ]] || missing+=("$package")
done
[[ ${#missing[@]} -eq 0 ]] && exit 0

echo "bench/setup.sh: installing ${missing[*]}"
as_root=()
[[ $EUID -eq 0 ]] || as_root=(sudo)
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -q </dev/null
"${as_root[@]}" apt-get install -q -y --no-install-recommends "${missing[@]}" </dev/null
