# For a POSIX shell: redirections of every kind, here-documents, a loop that reads, globs, tests.
set -eu
cd "$R"
while read -r line; do echo "<$line>"; done < notes.txt
echo one > out; echo two >> out; echo three 1>> out
cat < out > copy
cat <<END > here
anna $(sed -n 2p table.csv)
END
cat here - <<'END'
$not expanded
END
exec 4< numbers.txt 5> five
read -r first <&4; read -r second <&4
echo "$first $second" >&5
exec 4<&- 5>&-
cat five
{ echo both; ls missing; } > both 2>&1 || true
cat both
echo updated 1<> notes.txt
head -n 2 notes.txt
for file in dir/*.c n*.txt; do echo "$file"; done
for test in -e -f -d -L -p -s -r -w -x; do
    for file in notes.txt dir link fifo empty run.sh missing dangling; do
        if [ "$test" "$file" ]; then printf '%s %s\n' "$test" "$file"; fi
    done
done
[ numbers.txt -nt notes.txt ] && echo newer || echo older
[ table.csv -ef table_too.csv ] && echo same
cd dir/sub; pwd; cd ..; pwd; cd - > copy 2>/dev/null || true; rm -f copy
pwd
cd "$R"/link_to_dir; pwd; pwd -P; cd ..; pwd
(cd /; pwd; cat "$R"/empty; echo end of subshell)
pwd
umask 077; : > private2
echo 'anna=3' > settings; . ./../app/settings; echo "$anna"
echo "$(cat dir/sub/deep.txt)"
