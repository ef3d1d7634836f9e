// Shells: redirections, working directories, globs, pipes and children, on files of the target.
#include "tests/support/sides.hpp"

#include <gtest/gtest.h>

namespace farside::test {
namespace {

class shells : public testing::TestWithParam<program_row> {};

TEST_P(shells, DoAsOnLocalFiles) {
    expect_the_same(GetParam());
}

const program_row bash[] = {
    {"AScript", "run bash $S/run.bash"},
    {"APosixScript", "run bash $S/run.sh"},
    {"ReadsInput", "read -r line < $R/notes.txt; echo $line; cat < $R/table.csv"},
    {"WritesOutput", "echo one > $R/a; echo two > $R/a; printf three > $R/notes.txt"},
    {"Appends", "echo one >> $R/a; echo two >> $R/a; echo last >> $R/notes.txt; cat $R/a"},
    {"SubstitutesAFile", "echo \"[$(<$R/notes.txt)]\"; x=$(cat $R/table.csv | wc -l); echo $x"},
    {"HereDocument", "cat > $R/a <<END\n$(head -1 $R/notes.txt)\nEND\ncat $R/a - <<< here"},
    {"Pipes", "cat $R/numbers.txt | sort -n | uniq | tail -n 3 | tee $R/a | wc -l; cat $R/a"},
    {"Cd", "cd $R/dir; pwd; ls; cd sub; pwd; cat deep.txt; cd ../..; pwd; cd - ; cat deep.txt"},
    {"CdThroughALink", "cd $R/link_to_dir; pwd; pwd -P; cd ..; pwd; cd -P $R/link_to_dir/..; pwd"},
    {"CdElsewhere", "cd $R; cd $L; pwd; echo x > y; cd $R; ls; cd /; cat .$R/notes.txt"},
    {"CdToMissing", "cd $R/missing", 1},
    {"CdToAFile", "cd $R/notes.txt", 1},
    {"CdHasCdpath", "CDPATH=$R; cd sub 2>&1; cd dir && pwd"},
    {"Dirs", "pushd $R/dir; pushd sub; dirs; popd; pwd"},
    {"Subshell", "cd $R; (cd dir; echo in > file; pwd); pwd; { cd names; ls; } | cat -A; pwd"},
    {"Globs", "cd $R; echo * .* */*.c; echo $R/n*.txt [a-f]*/; echo nothing*; compgen -f d"},
    {"GlobsOddNames", R"(cd $R/names; for f in *; do printf '%q ' "$f"; cat ./"$f"; done)"},
    {"Tests",
     "for t in e f d h p S s r w x O G N; do for f in notes.txt dir link fifo empty missing "
     "dangling; do [ -$t $R/$f ] && echo -$t $f; done; done; true"},
    {"ComparesTimes", "cd $R; [[ notes.txt -nt table.csv ]] && echo n; [[ link -ef notes.txt ]]"},
    {"ErrorsGoToAFile", "ls $R/missing 2> $R/err; cat $R/err; ls $R/missing >& $R/e2; cat $R/e2"},
    {"OpensForBoth",
     "exec 5<> $R/notes.txt; read -u 5 x; echo $x; echo HERE >&5; cat $R/notes.txt"},
    {"SwapsDescriptors",
     "exec 3> $R/a 4> $R/b; echo A >&3; echo B >&4; exec 5>&3 3>&4 4>&5 5>&-; echo A >&4; echo B "
     ">&3; exec 3>&- 4>&-; cat $R/a $R/b"},
    {"HighDescriptors", "exec {fd}> $R/a 200< $R/notes.txt; echo x >&$fd; head -1 <&200; cat $R/a"},
    {"NoClobber", "set -C; echo x > $R/notes.txt", 1},
    {"RunsAScriptOfTheTarget", "$R/run.sh a b; cd $R; ./run.sh c; bash ./run.sh d"},
    {"SourcesAFileOfTheTarget", "echo 'x=5; echo from $BASH_SOURCE' > $R/lib; . $R/lib; echo $x"},
    {"FindsProgramsInPath", "PATH=$R:$PATH; run.sh x; type -p run.sh; command -v run.sh"},
    {"WaitsForBackgroundJobs",
     "for i in 1 2 3; do (sleep 0.0$i; echo $i >> $R/out) & done; wait; sort -o $R/out $R/out"},
    {"ReadsALineAtATime", "{ read a; read b; cat; } < $R/numbers.txt | md5sum"},
    {"SharesAnOffset", "exec 3< $R/numbers.txt; head -c 8 <&3 >/dev/null; (cat <&3) | head -2"},
    {"ProcessSubstitution", "diff <(head -5 $R/numbers.txt) <(head -6 $R/numbers.txt)", 1},
    {"OutputProcessSubstitution",
     "tee >(cat > $R/a) < $R/notes.txt | cat > $R/b; "
     "while ! cmp -s $R/a $R/b; do sleep 0.01; done; ls $R"},
    {"Coproc",
     "coproc C { sed -u s/hay/x/; }; cat $R/notes.txt >&${C[1]}; exec {C[1]}>&-; cat <&${C[0]}"},
    {"Trap", "trap 'cat $R/notes.txt' EXIT; trap 'echo term > $R/t' TERM; kill $$; ls $R"},
    {"ExecReplaces", "exec < $R/notes.txt > $R/out; exec cat"},
    {"DevFd", "cat /dev/fd/3 /proc/self/fd/3 3< $R/notes.txt"},
    {"DevStdin", "cat /dev/stdin < $R/notes.txt; echo x > /dev/stdout; echo y > $R/o; cat $R/o"},
    {"DevStdoutIsAFileOfTheTarget", "(echo one; echo two > /dev/stdout) >> $R/o; cat $R/o"},
    {"LongArguments", "cd $R; /bin/echo {1..20000} > long; wc long; xargs -n 1000 < long | wc -l"},
    {"Locale", "sort $R/names/* | LC_ALL=C sort"},
    {"Hash", "cd $R; chmod u+x dir/two.c; hash -p $R/run.sh two; two x"},
    {"History", "cd $R; HISTFILE=$R/h; set -o history; history -s one; history -w; cat h"},
    {"Getconf", "getconf NAME_MAX $R; getconf PATH_MAX $R"},
};

const program_row dash[] = {
    {"Dash", "run dash $S/run.sh"},
    {"DashFromAnInput", "cat $S/run.sh | dash"},
    {"DashEvaluates", R"(dash -c 'cd $R && while read -r l; do echo "$l"; done < notes.txt')"},
    {"Sh", "run sh -c cat<$R/notes.txt"},
    {"Ksh", "run ksh $S/run.sh", 0, "ksh"},
    {"Zsh", "run zsh $S/run.sh", 0, "zsh"},
};

const auto name_of = [](const auto& test) { return test.param.name; };

INSTANTIATE_TEST_SUITE_P(Bash, shells, testing::ValuesIn(bash), name_of);
INSTANTIATE_TEST_SUITE_P(Posix, shells, testing::ValuesIn(dash), name_of);

}  // namespace
}  // namespace farside::test
