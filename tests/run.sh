#!/usr/bin/env bash
# Installs what is missing, builds every preset that has tests and runs them.
#   run.sh           everything, as CI does: sanitizers, then the release build
#   run.sh --quick   the ci preset only
# The last thing it prints is ctest's closing summary; it stops at the first stage that fails.
set -euo pipefail
cd "$(dirname "$0")/.."
exec </dev/null

quick=no
case ${1:-} in
    "") ;;
    --quick) quick=yes ;;
    *) echo "run.sh: --quick or nothing" >&2 && exit 2 ;;
esac

jobs=$(nproc)
launcher=()
if command -v ccache >/dev/null; then
    launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
fi
summary=()

stage() {
    echo "== $*"
    SECONDS=0
}

passed() {
    summary+=("$1: passed in $SECONDS s")
}

# build PRESET [CMAKE OPTION...] [-- TARGET...]
build() {
    local preset=$1 options=() targets=()
    shift
    while [[ $# -gt 0 && $1 != -- ]]; do
        options+=("$1")
        shift
    done
    [[ $# -gt 1 ]] && targets=(--target "${@:2}")
    stage "build $preset"
    cmake --preset "$preset" -DFARSIDE_BUILD_TESTS=ON "${launcher[@]}" "${options[@]}" >/dev/null
    cmake --build --preset "$preset" -j "$jobs" "${targets[@]}"
    passed "build $preset"
}

# Of a log of ctest: what it says but for tests that began or passed.
what_failed() {
    grep -Ev '^ *Start +[0-9]+: |^ *[0-9]+/[0-9]+ Test +#[0-9]+: .* Passed +[0-9.]+ sec *$' "$1" || true
}

# check PRESET [CTEST OPTION...]
check() {
    local preset=$1
    shift
    stage "test $preset"
    ctest --preset "$preset" -j "$jobs" --quiet --output-log "build/$preset/ctest.log" "$@" || {
        what_failed "build/$preset/ctest.log"
        exit 1
    }
    tail -n 4 "build/$preset/ctest.log"
    passed "test $preset"
}

stage "packages"
docker/setup.sh test
stage "format"
git ls-files '*.cpp' '*.hpp' | xargs clang-format-14 --dry-run -Werror
passed "format"

if [[ $quick == yes ]]; then
    build ci
    last=(ci)
else
    # asan is dev with sanitizers: assertions of the library, and here warnings as errors too.
    build asan -DCMAKE_COMPILE_WARNING_AS_ERROR=ON
    check asan -L 'unit|fuzz'
    # What has threads: the agent, and the callers that the session's tests play.
    build tsan -DFARSIDE_BUILD_FUZZ=OFF -- agent_test layer_session_test
    check tsan -L unit
    build release -DFARSIDE_BUILD_BENCH=ON
    last=(release)
fi

echo "== done so far"
printf '   %s\n' "${summary[@]}"
echo "== test ${last[*]}"
ctest --preset "${last[@]}" -j "$jobs"
