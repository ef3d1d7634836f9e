// Children stay covered however they are started, share offsets with their parents and inherit open
// files of the target.
#include "tests/support/sides.hpp"

#include <gtest/gtest.h>

namespace farside::test {
namespace {

class children : public testing::TestWithParam<program_row> {};

TEST_P(children, DoAsOnLocalFiles) {
    expect_the_same(GetParam());
}

const program_row started[] = {
    {"Fork", "run $B/children forked"},
    {"Vfork", "run $B/children vforked"},
    {"PosixSpawn", "run $B/children spawned"},
    {"ThreeExecsPassADescriptor", "run $B/children executed"},
    {"TwentyThreadsAndForks", "$B/children threads; cat $R/counter; echo; cat $R/thread-*"},
    {"DescriptorOverASocket", "run $B/children passed"},
    {"SixtyFourThreadsOnOneDescriptor", "$B/crowds one; sort $R/crowd0 | md5sum; rm $R/crowd0"},
    {"SixtyFourThreadsOnMany", "run $B/crowds many"},
    {"StormsOfProcesses", "run $B/crowds storms"},
    {"TwoHundredDescriptorsOverASocket", "run $B/crowds travellers"},
    {"Python", "run python3 $S/children.py"},
    {"EmptyEnvironment", "run env -i /bin/cat $R/notes.txt"},
    {"EmptyEnvironmentThenAShell",
     "env -i R=$R /bin/sh -c 'cd $R && cat link && env -i /usr/bin/find dir -type f' | sort"},
    {"WithoutItsVariables",
     "unset LD_PRELOAD FARSIDE_SESSION; cat $R/notes.txt; env -u LD_PRELOAD ls $R"},
    {"AnotherPreload",
     "LD_PRELOAD= cat $R/notes.txt; LD_PRELOAD=/missing.so cat $R/table.csv 2>/dev/null"},
    {"Xargs", "echo $R/numbers.txt $R/table.csv | xargs -n 1 -P 2 cat | sort"},
    {"Nohup", "nohup cat $R/notes.txt 2>/dev/null"},
    {"Setsid", "setsid -w cat $R/notes.txt"},
    {"Nice", "nice cat $R/notes.txt"},
    {"Timeout", "timeout 20 cat $R/notes.txt; timeout 0.1 cat $R/fifo", 124},
    {"Flock", "flock $R/lock -c \"cat $R/notes.txt\"; flock -n $R/lock flock -n $R/lock true", 1},
    {"Stdbuf", "stdbuf -o0 cat $R/notes.txt"},
    {"SetprivDropsNothing", "setpriv --no-new-privs cat $R/notes.txt"},
    {"ChrootToWhereItIs", "run chroot / cat $R/notes.txt"},
    {"UnshareItsDirectory",
     "cd $R && unshare --mount cat notes.txt && unshare --fork cat notes.txt"},
    {"EnvChdir", "env -C $R/dir cat sub/deep.txt; env --chdir=$R sh -c pwd"},
    {"Script", "cd $R && ./run.sh a && env ./run.sh b"},
    {"ScriptWithAnInterpreterInTheTarget",
     "cp /bin/cat $R/tool && printf '#!%s -n\\nline\\n' $R/tool > $R/s && chmod +x $R/s && $R/s; "
     "rm $R/tool; $R/s",
     127},
    {"LocalScriptWithAnInterpreterInTheTarget",
     "cp /bin/cat $R/tool && printf '#!%s -n\\nline\\n' $R/tool > $L/s && chmod +x $L/s && $L/s; "
     "printf '#!%s\\nmore\\n' $L/s > $R/s && chmod +x $R/s && $R/s x 2>&1; rm $L/s $R/s"},
    {"ScriptsThatInterpretEachOther",
     "echo \"#!$R/b\" > $R/a; echo \"#!$R/a\" > $R/b; chmod +x $R/a $R/b; $R/a 2>&1; rm $R/a $R/b",
     0},
    {"ScriptWithoutAFirstLine",
     "echo 'echo plain $1' > $R/s && chmod +x $R/s && $R/s x && env $R/s y"},
    {"NotExecutable", "$R/notes.txt", 126},
    {"NotThere", "$R/nothing", 127},
    {"ADirectory", "$R/dir", 126},
    {"NotAProgram", "chmod +x $R/noise.bin; $R/noise.bin 2>&1 | wc -l"},
};

const program_row pipelines[] = {
    {"FivePrograms",
     "cat $R/numbers.txt | sort -n | uniq -c | awk '{print $2}' | tail -n 5 | tee $R/out"},
    {"FiveProgramsWithFiles",
     "cat $R/noise.bin | tee $R/a | od -An -tx1 | tee $R/b | wc -l; md5sum $R/a $R/b"},
    {"ReaderEndsEarly", "set +o pipefail; cat $R/noise.bin $R/noise.bin | head -c 10 | od -c"},
    {"YesIntoTheTarget", "yes | head -n 5000 > $R/yes; md5sum < $R/yes"},
    {"OneOffsetForAll",
     "(read a; echo $a; head -c 4; sh -c 'read b; echo $b'; cat) < $R/table.csv"},
    {"OneOutputForAll",
     "(echo one; sh -c 'echo two'; env echo three; cat $R/empty; (echo four; exec echo five)) > "
     "$R/o"},
    {"AppendersDoNotOverwrite",
     "for i in 1 2 3 4; do (for j in {1..50}; do echo $i$j; done >> $R/log) & done; wait; "
     "sort $R/log | md5sum; sort -o $R/log $R/log"},
    {"InheritedThroughExecs",
     "exec 7< $R/numbers.txt; sh -c \"sh -c 'env head -n 2 <&7'\"; tail -n 1 <&7"},
    {"InheritedForWriting",
     "exec 8> $R/o; sh -c 'echo a >&8; env sh -c \"echo b >&8\"'; echo c >&8"},
    {"ClosedForTheChild", "exec 7< $R/notes.txt; sh -c 'cat <&7' 7<&- 2>/dev/null", 2},
    {"Substitutions", "diff <(cat $R/notes.txt | tr a-z A-Z) <(tr a-z A-Z < $R/link) && echo same"},
    {"SubstitutionsInside",
     "wc -l <(cat $R/notes.txt) <(grep -r needle $R/dir) | awk '{print $1}'"},
    {"Xargs0", "cd $R && find . -type f -print0 | sort -z | xargs -0 -n 2 wc -c | grep -v total"},
};

const auto name_of = [](const auto& test) { return test.param.name; };

INSTANTIATE_TEST_SUITE_P(Started, children, testing::ValuesIn(started), name_of);
INSTANTIATE_TEST_SUITE_P(Pipelines, children, testing::ValuesIn(pipelines), name_of);

}  // namespace
}  // namespace farside::test
