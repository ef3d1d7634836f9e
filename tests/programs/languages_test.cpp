// Programs in the languages people write: an unmodified script or binary each, that goes through
// what its runtime can do with files.
#include "tests/support/sides.hpp"

#include <gtest/gtest.h>

namespace farside::test {
namespace {

class languages : public testing::TestWithParam<program_row> {};

TEST_P(languages, DoAsOnLocalFiles) {
    expect_the_same(GetParam());
}

const program_row scripts[] = {
    {"Python", "run python3 $S/test.py"},
    {"PythonLibraries", "run python3 -B $S/libraries.py"},
    {"PythonInTheTarget", "cp $S/test.py $R && cd $R && python3 -B test.py"},
    {"PythonImports",
     "mkdir $R/package && echo 'from . import b; x = b.y' > $R/package/__init__.py && "
     "echo 'y = 5' > $R/package/b.py && cd $R && python3 -B -c 'import package; print(package.x)' "
     "&& "
     "PYTHONPATH=$R python3 -B -m package.b && python3 -B -m zipfile -c z.zip package && "
     "PYTHONPATH=$R/z.zip python3 -B -c 'import package; print(package.x)'; rm $R/z.zip"},
    {"PythonSqlite",
     "python3 -c 'import sqlite3, os; c = sqlite3.connect(os.environ[\"L\"] + \"/db\"); "
     "c.execute(\"create table t(a)\"); r = open(os.environ[\"R\"] + \"/table.csv\"); "
     "c.executemany(\"insert into t values(?)\", [[l] for l in r]); "
     "print(c.execute(\"select * from t\").fetchall())'; rm $L/db"},
    {"Node", "run node $S/test.mjs", 0, "node"},
    {"NodeModulesTreesAndCrowds", "run node $S/modules.mjs", 0, "node"},
    {"NodeWatches", "run node $S/watching.mjs", 0, "node"},
    {"NodeRequires",
     "echo 'exports.x = require(\"./dir/data.json\").y' > $R/m.js && echo '{\"y\": 6}' > "
     "$R/dir/data.json && node -p 'require(process.env.R + \"/m.js\").x'",
     0,
     "node"},
    {"Perl", "run perl $S/test.pl"},
    {"PerlModules", "run perl $S/more.pl"},
    {"PerlInPlace",
     "perl -pi.orig -e 's/hay/straw/g; close ARGV if eof' $R/notes.txt $R/table.csv"},
    {"Ruby", "run ruby $S/test.rb", 0, "ruby"},
    {"RubyLibraries", "run ruby $S/more.rb", 0, "ruby"},
    {"Php", "run php $S/test.php", 0, "php"},
    {"PhpStreamsAndTemplates", "run php $S/more.php", 0, "php"},
    {"Awk",
     "awk -F, 'NR > 1 {s[$1] += $2; print > (ENVIRON[\"R\"] \"/\" $1)} END {for (n in s) print n, "
     "s[n]}' "
     "$R/table.csv | sort; cat $R/anna"},
    {"AwkGetline",
     "awk 'BEGIN {f = ENVIRON[\"R\"] \"/notes.txt\"; while ((getline l < f) > 0) n++; print n, l; "
     "\"pwd\" | getline d; print length(d) > 0}'; rm -f $L/0"},
    {"Java",
     "printf '%s\\n' 'import java.nio.file.*; class T { public static void main(String[] a) throws "
     "Exception {"
     "Path r = Path.of(System.getenv(\"R\")); "
     "System.out.println(Files.readString(r.resolve(\"notes.txt\")));"
     "Files.writeString(r.resolve(\"j\"), \"java\"); try (var s = Files.list(r)) {"
     "s.map(p -> p.getFileName().toString()).sorted().forEach(System.out::println); }"
     "System.out.println(new java.io.RandomAccessFile(r.resolve(\"noise.bin\").toFile(), "
     "\"r\").length()); } }' "
     "> $L/T.java && java -Xshare:auto $L/T.java && rm $L/T.java",
     0,
     "java"},
};

const program_row java[] = {
    {"JavaLocks", "run java -Xshare:auto $S/Locking.java", 0, "java"},
    {"JavaWatches", "run java -Xshare:auto $S/Watching.java", 0, "java"},
    {"JavaOnAClassPathOfTheTarget",
     "mkdir $L/j $R/classes && javac -d $L/j $S/Everything.java && mv $L/j/* $R/classes && "
     "rmdir $L/j && java -cp $R/classes Everything; s=$?; rm -r $R/classes; exit $s",
     0,
     "javac"},
    {"JavaFromAJarOfTheTarget",
     "mkdir $L/j && echo 'class M { public static void main(String[] a) throws Exception { "
     "System.out.println(new String(M.class.getResourceAsStream(\"notes.txt\").readAllBytes())); "
     "} }' > $L/M.java && javac -d $L/j $L/M.java && jar cfe $R/m.jar M -C $L/j . -C $R notes.txt "
     "&& java -jar $R/m.jar; cd $R && java -jar m.jar | wc; rm -r $R/m.jar $L/*",
     0,
     "javac"},
};

const program_row compiled[] = {
    {"CStreams", "run $B/stdio streams"},
    {"CDirectories", "run $B/stdio directories"},
    {"CInTheTarget",
     "cp $B/stdio $R/dir/program && cd $R && dir/program streams; rm $R/dir/program"},
    {"CxxStreamsAndFileSystem", "run $B/streams"},
    {"Compiler",
     "printf '#include \"h.h\"\\n#include <stdio.h>\\nint main(void) { puts(H); return 0; }\\n' > "
     "$R/p.c && "
     "echo '#define H \"built\"' > $R/h.h && cd $R && gcc p.c -o p && ./p && rm p p.c h.h && ls",
     0,
     "gcc"},
    {"Git",
     "cd $R && rm fifo && export HOME=$L GIT_CONFIG_NOSYSTEM=1 && git init -q -b main . && git add "
     "-A && "
     "git -c user.name=a -c user.email=a@b commit -qm first && echo x >> notes.txt && git status "
     "--short && "
     "git diff --stat && git log --format=%s && git clone -q . $L/clone && git fsck && cat "
     "$L/clone/table.csv; "
     "rm -rf .git $L/clone",
     0,
     "git"},
};

const auto name_of = [](const auto& test) { return test.param.name; };

INSTANTIATE_TEST_SUITE_P(Scripts, languages, testing::ValuesIn(scripts), name_of);
INSTANTIATE_TEST_SUITE_P(Java, languages, testing::ValuesIn(java), name_of);
INSTANTIATE_TEST_SUITE_P(Compiled, languages, testing::ValuesIn(compiled), name_of);

}  // namespace
}  // namespace farside::test
