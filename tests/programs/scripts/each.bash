# Runs the parts of a list one after another and begins each line of their output with the name of
# the part: a difference says where it is. A part is a line `# name` and the commands below it. It
# runs in a shell of its own with a copy of the sample tree and an empty local directory of its own,
# which are $R and $L there, and begins in $R. Further arguments: run only the parts so named.
sample=$L/sample
cp -a "$R" "$sample"

run_part() {
    local name=$1 text=$2 status=0 line
    cp -a "$sample" "$R/$parts"
    mkdir "$L/$parts"
    output=$(
        { R=$R/$parts L=$L/$parts && cd "$R" && eval "$text"; } 2>&1 | cat -v
        exit "${PIPESTATUS[0]}"
    ) || status=$?
    while IFS= read -r line; do printf '%s| %s\n' "$name" "$line"; done <<<"$output"
    if [[ $status != 0 ]]; then printf '%s| ended with %d\n' "$name" "$status"; fi
}

end_part() {
    if [[ -n $name && ($wanted == '  ' || $wanted == *" $name "*) ]]; then
        parts=$((parts + 1))
        run_part "$name" "$text"
    fi
}

parts=0 name='' text='' list=$1
shift
wanted=" $* "
while IFS= read -r line <&9; do
    if [[ $line == '# '* ]]; then
        end_part
        name=${line#\# } text=''
    else
        text+=$line$'\n'
    fi
done 9<"$list"
end_part
rm -r "$sample"
