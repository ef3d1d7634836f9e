#!/usr/bin/env bash
# Builds farside and shows its main job: a program on this machine works on the files of a container.
# With a Docker Engine (and root, to enter containers) the container is a real one, made here from
# busybox and removed at the end; without, a folder stands in for it.
set -euo pipefail
cd "$(dirname "$0")/.."

docker/setup.sh build
echo "== Building (build/release)"
launcher=()
command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
cmake --preset release -DFARSIDE_BUILD_TESTS=OFF "${launcher[@]}" >/dev/null
cmake --build --preset release --target farside_cli farside_agent farside_preload
farside=$PWD/build/release/bin/farside

scratch=$(mktemp -d)
container=farside-quickstart-$$
clean_up() {
    if [[ $target == docker/* ]]; then
        docker rm -f "$container" >/dev/null 2>&1 || true
        docker rmi "$container" >/dev/null 2>&1 || true
    fi
    rm -rf "$scratch"
}

# Makes the target: /srv/app with two files, which this machine does not have.
fill() {
    mkdir -p "$1/srv/app"
    echo "color = blue" > "$1/srv/app/settings.ini"
    echo "the first line" > "$1/srv/app/journal.txt"
}

target=dir/$scratch/root
trap clean_up EXIT
if [[ $EUID -eq 0 ]] && timeout 10 docker version >/dev/null 2>&1; then
    target=docker/$container
    mkdir -p "$scratch/image/bin"
    cp /bin/busybox "$scratch/image/bin/busybox"
    fill "$scratch/image"
    tar -C "$scratch/image" -c . | docker import - "$container" >/dev/null
    docker run -d --name "$container" --network none "$container" /bin/busybox sleep 3600 >/dev/null
    in_target() { docker exec "$container" /bin/busybox "$@"; }
    echo "== The target is a container of the Docker Engine: $target"
else
    fill "$scratch/root"
    in_target() { (cd "$scratch/root" && busybox "${@/#\/srv/srv}"); }
    echo "== No Docker Engine that we may use: a folder stands in for the container: $target"
fi

show() {
    echo "-- on this machine, /srv/app:"
    if [[ -e /srv/app ]]; then ls -l /srv/app; else echo "   (there is no such folder)"; fi
    echo "-- in the target, /srv/app:"
    in_target find /srv/app -type f -exec grep -H "" {} + | sed 's,^\(/\)\{0\,1\}srv,   /srv,'
}

echo "== Before"
show

echo "== farside exec --target $target --fs-mode write -- python3 quickstart.py"
cd docker
exec_in=("$farside" exec --target "$target")
"${exec_in[@]}" --fs-mode write -- python3 quickstart.py

echo "== The same with a shell's redirections: ... -- bash -c 'cd /srv/app; sort < journal.txt >> ...'"
"${exec_in[@]}" --fs-mode write -- \
    bash -c 'cd /srv/app && sort -r < journal.txt > sorted.txt && ls -la && grep -rn line .'

echo "== Without --fs-mode write nothing can be changed"
if "${exec_in[@]}" -- sh -c 'echo x > /srv/app/refused.txt'; then
    echo "quickstart.sh: a write was not refused" >&2
    exit 1
fi

echo "== After"
show

echo "== Who decided which side? farside explain"
"$farside" explain --fs-mode write "$PWD/quickstart.py" /srv/app/settings.ini /usr/bin/python3 \
    /etc/hosts /etc/passwd

in_target grep -q appended /srv/app/journal.txt
echo "== It works: quickstart.py came from this machine, the files that it used from $target"
