# What an application's start script does: finds itself, reads settings, logs, calls functions.
set -euo pipefail
cd "$R"
declare -A settings=()
while IFS=, read -r name count; do
    [[ $name == name ]] && continue
    settings[$name]=$(( ${settings[$name]:-0} + count ))
done < table.csv
for name in "${!settings[@]}"; do echo "$name=${settings[$name]}"; done | sort > settings.env
set -a; . ./settings.env; set +a
echo "anna is $anna"
exec 3>> log.txt
log() { echo "$1" >&3; }
log first
(cd dir && log "from $PWD" && pwd -P)
log second
exec 3>&-
cat log.txt
mapfile -t lines < notes.txt
echo "${#lines[@]} lines, the second: ${lines[1]}"
trap 'rm -f lock' EXIT
set -o noclobber
echo $BASHPID > lock
if ! (echo again > lock) 2>/dev/null; then echo "locked"; fi
set +o noclobber
shopt -s globstar nullglob dotglob
printf '%s\n' **/*.txt nothing*
