# Two writers of one SQLite database with a rollback journal; each transaction is a program.
cd "$R" || exit
sqlite3 db "pragma journal_mode = $1; create table t(w, n); create table sum(n); insert into sum values(0)"
add() {
    for n in {1..12}; do
        sqlite3 -cmd '.timeout 50000' db "pragma journal_mode = $1; begin immediate;
            insert into t values($2, $n); update sum set n = n + 1; commit" > /dev/null
    done
}
add "$1" 1 &
add "$1" 2 &
wait
sqlite3 db 'select w, count(*), sum(n) from t group by w; select * from sum; pragma integrity_check'
ls -A | grep '^db'
rm -f db*
