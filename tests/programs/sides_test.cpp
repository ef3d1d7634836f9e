// Which side a path is on, seen by real programs: the same path exists on both with different
// content, so that a read or a write on the wrong side shows.
#include "tests/support/sides.hpp"

#include "tests/support/tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

namespace farside::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class policy : public testing::Test {
protected:
    policy() {
        fs::create_directories(here_);
        for (const char* name : {"one.txt", "two.bin", "sub/three.txt"}) {
            write_file(here_ / name, "local " + std::string{name} + "\n");
            write_file(there_ / name, "remote " + std::string{name} + "\n");
        }
    }

    // Everything below the directory that both sides have is remote.
    [[nodiscard]] std::string both_pattern() const { return "^" + here_.string(); }

    sides both_;
    // The same path on this machine and in the target; local by default, as all of /tmp.
    fs::path here_ = both_.local() / "both";
    fs::path there_ = both_.target() / here_.relative_path();
};

TEST_F(policy, TheDefaultForTemporaryDirectoriesIsLocal) {
    EXPECT_EQ(
        both_.run_covered("cat both/one.txt both/sub/three.txt").out,
        "local one.txt\nlocal sub/three.txt\n"
    );
}

TEST_F(policy, ReadWriteMakesAPathRemote) {
    const std::vector<std::string> flags{"--read-write", both_pattern()};
    const std::string local_before = describe_tree(here_);
    const outcome result = both_.run_covered(
        "cat $L/both/one.txt both/sub/three.txt; cd both && cat two.bin && ls -U | sort && "
        "echo changed > one.txt && echo new > new && mkdir d && mv two.bin d && rm -r sub && "
        "cat one.txt",
        flags
    );
    EXPECT_EQ(
        result.out,
        "remote one.txt\nremote sub/three.txt\nremote two.bin\none.txt\nsub\ntwo.bin\nchanged\n"
    );
    EXPECT_EQ(result.err, "");
    EXPECT_EQ(describe_tree(here_), local_before);
    EXPECT_EQ(read_file(there_ / "one.txt"), "changed\n");
    EXPECT_EQ(read_file(there_ / "d/two.bin"), "remote two.bin\n");
    EXPECT_FALSE(fs::exists(there_ / "sub"));
}

TEST_F(policy, PatternsAreRegularExpressions) {
    const outcome result = both_.run_covered(
        "cat both/one.txt both/two.bin both/sub/three.txt",
        {"--read-write", both_pattern() + "/(.*/)?[a-z]+\\.txt$"}
    );
    EXPECT_EQ(result.out, "remote one.txt\nlocal two.bin\nremote sub/three.txt\n");
}

TEST_F(policy, TheEarlierListDecides) {
    const std::vector<std::string> flags{
        "--local", both_pattern(), "--read-write", "one\\.txt$", "--not-found", "two"};
    const outcome result =
        both_.run_covered("cat both/one.txt both/sub/three.txt both/two.bin", flags);
    EXPECT_EQ(result.out, "remote one.txt\nlocal sub/three.txt\n");
    EXPECT_EQ(result.err, "cat: both/two.bin: No such file or directory\n");
    EXPECT_EQ(result.status(), 1);
}

TEST_F(policy, NotFoundHidesForEveryOperation) {
    const std::vector<std::string> flags{
        "--not-found", "/notes\\.txt$", "--not-found", "^/srv/app/dir"};
    const std::string before = both_.covered_trees();
    const outcome result = both_.run_covered(
        "cd $R; cat notes.txt; ls -d dir; [[ -e notes.txt ]] && echo there; cat dir/one.c; echo x "
        "> notes.txt; "
        "rm notes.txt; cat link; cd dir",
        flags
    );
    EXPECT_EQ(result.status(), 1);
    EXPECT_THAT(result.err, testing::Not(HasSubstr("farside")));
    EXPECT_EQ(both_.covered_trees(), before);
    EXPECT_THAT(result.out, testing::Not(HasSubstr("there")));
    EXPECT_THAT(result.out, testing::Not(HasSubstr("one(void)")));
}

TEST_F(policy, LocalIsWhatThisMachineHas) {
    const outcome result = both_.run_covered("cat $R/notes.txt; ls $R", {"--local", "^/srv/app"});
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(
        result.err,
        "cat: $R/notes.txt: No such file or directory\n"
        "ls: cannot access '$R': No such file or directory\n"
    );
}

// Every way to change something; each would succeed on a writable tree.
constexpr const char* changes[] = {
    "echo x > $D/new",
    "echo x >> $D/notes.txt",
    ": > $D/notes.txt",
    "touch $D/notes.txt",
    "mkdir $D/new",
    "rmdir $D/empty_dir",
    "rm -f $D/notes.txt",
    "mv $D/notes.txt $D/moved",
    "mv -f $D/notes.txt $D/table.csv",
    "mv $L/mine $D/mine",
    "ln $D/notes.txt $D/hard",
    "ln -s x $D/soft",
    "chmod 0777 $D/notes.txt",
    "chown 0:0 $D/notes.txt",
    "truncate -s 1 $D/notes.txt",
    "mkfifo $D/pipe",
    "cp $L/mine $D/mine",
    "dd if=/dev/zero of=$D/notes.txt count=1 conv=notrunc status=none",
    "sed -i s/a/b/ $D/notes.txt",
    "sort -o $D/notes.txt $D/notes.txt",
    "python3 -c 'import os; os.setxattr(os.environ[\"D\"] + \"/notes.txt\", \"user.a\", b\"x\")'",
    "python3 -c 'import os; os.open(os.environ[\"D\"], os.O_TMPFILE | os.O_RDWR)'",
};

class read_only : public policy, public testing::WithParamInterface<std::vector<std::string>> {};

TEST_P(read_only, RefusesEveryChangeAndMakesNothing) {
    write_file(both_.local() / "mine", "mine\n");
    const std::string before = both_.covered_trees();
    const outcome reading = both_.run_covered("cat $R/table.csv; cd $R; ls dir", GetParam());
    EXPECT_THAT(reading.out, HasSubstr("anna,2\none.c\n"));
    EXPECT_EQ(reading.err, "");
    std::string script = "D=$R; export D\n";
    int number = 0;
    for (const char* change : changes) {
        script += std::string{change} + "; echo " + std::to_string(number++) + " $?\n";
    }
    const outcome result = both_.run_covered(script, GetParam());
    number = 0;
    for (const char* change : changes) {
        SCOPED_TRACE(change);
        EXPECT_THAT(result.out, testing::Not(HasSubstr(std::to_string(number++) + " 0\n")));
    }
    std::size_t refusals = 0;
    for (std::size_t at = 0;
         (at = result.err.find("Read-only file system", at)) != std::string::npos;
         ++at) {
        ++refusals;
    }
    EXPECT_EQ(refusals, std::size(changes)) << result.err;
    EXPECT_EQ(both_.covered_trees(), before);
    EXPECT_FALSE(fs::exists(remote_root));
}

INSTANTIATE_TEST_SUITE_P(
    Modes,
    read_only,
    testing::Values(
        std::vector<std::string>{"--fs-mode=read"},
        std::vector<std::string>{"--fs-mode=write", "--read-only", "^/srv"},
        std::vector<std::string>{"--fs-mode=read", "--read-write", "^/somewhere/else"},
        std::vector<std::string>{"--fs-mode=localwithoverrides", "--read-only", "^/srv"}
    )
);

TEST_F(policy, TheDefaultModeIsRead) {
    command what = both_.covered_command({"sh", "-c", "cat $R/table.csv; echo x > $R/new"});
    std::erase(what.arguments, "--fs-mode");
    std::erase(what.arguments, "write");
    const outcome result = run(what);
    EXPECT_THAT(result.out, HasSubstr("anna,2\n"));
    EXPECT_THAT(result.err, HasSubstr("Read-only file system"));
    EXPECT_FALSE(fs::exists(both_.remote() / "new"));
}

TEST_F(policy, ReadModeHasExceptions) {
    const outcome result = both_.run_covered(
        "echo x > $R/dir/new && cat $R/dir/new; echo x > $R/new",
        {"--fs-mode=read", "--read-write", "^/srv/app/dir/"}
    );
    EXPECT_EQ(result.out, "x\n");
    EXPECT_THAT(result.err, HasSubstr("Read-only file system"));
    EXPECT_EQ(read_file(both_.remote() / "dir/new"), "x\n");
    EXPECT_FALSE(fs::exists(both_.remote() / "new"));
}

TEST_F(policy, ModeLocalIsAllLocal) {
    const outcome result = both_.run_covered(
        "cat both/one.txt; cat $R/notes.txt", {"--fs-mode=local", "--read-write", both_pattern()}
    );
    EXPECT_EQ(result.out, "local one.txt\n");
    EXPECT_EQ(result.err, "cat: $R/notes.txt: No such file or directory\n");
}

TEST_F(policy, ModeLocalWithOverridesIsLocalButForTheLists) {
    const outcome result = both_.run_covered(
        "cat both/one.txt both/two.bin; cat $R/notes.txt",
        {"--fs-mode=localwithoverrides", "--read-write", "one\\.txt$"}
    );
    EXPECT_EQ(result.out, "remote one.txt\nlocal two.bin\n");
    EXPECT_EQ(result.err, "cat: $R/notes.txt: No such file or directory\n");
}

TEST_F(policy, NamesAreLookedUpAsTheTargetDoes) {
    write_file(both_.target() / "etc/hosts", "10.0.0.1 of-the-target\n");
    write_file(both_.target() / "etc/passwd", "nobody of the target\n");
    const outcome result = both_.run_covered(
        "cat /etc/hosts; getent hosts of-the-target; cmp -s /etc/passwd /proc/self/root/etc/passwd "
        "&& echo same; "
        "echo x >> /etc/hosts"
    );
    EXPECT_THAT(
        result.out, HasSubstr("10.0.0.1 of-the-target\n10.0.0.1        of-the-target\nsame\n")
    );
    EXPECT_THAT(result.err, HasSubstr("Read-only file system"));
}

TEST_F(policy, ALinkOfThisMachineLeadsToThisMachine) {
    // Paths are decided as they are written: what a local link says is for the kernel to follow.
    const outcome result =
        both_.run_covered("ln -s $R/notes.txt link && cat link; ls -l link | wc -l");
    EXPECT_EQ(result.err, "cat: link: No such file or directory\n");
    EXPECT_EQ(result.out, "1\n");
}

TEST_F(policy, ALinkOfTheTargetLeadsToTheTarget) {
    write_file(both_.target() / "etc/passwd", "of the target\n");
    fs::create_symlink("/etc/passwd", both_.remote() / "users");
    fs::create_symlink("../../../../../../etc/passwd", both_.remote() / "users2");
    EXPECT_EQ(both_.run_covered("cat $R/users $R/users2").out, "of the target\nof the target\n");
}

TEST_F(policy, NothingIsLinkedOrRenamedBetweenSides) {
    write_file(both_.local() / "mine", "mine\n");
    const std::string before = both_.covered_trees();
    const outcome result = both_.run_covered(
        "ln mine $R/hard; ln $R/notes.txt hard; python3 -c \"import os; os.rename('mine', "
        "'/srv/app/mine')\" 2>&1 | "
        "tail -n 1; python3 -c \"import os; os.rename('/srv/app/notes.txt', 'x')\" 2>&1 | tail -n 1"
    );
    EXPECT_THAT(result.err, testing::MatchesRegex("(ln: [^\n]*: Invalid cross-device link\n){2}"));
    EXPECT_THAT(
        result.out,
        testing::MatchesRegex("(OSError: .Errno 18. Invalid cross-device link: [^\n]*\n){2}")
    );
    EXPECT_EQ(both_.covered_trees(), before);
}

// The policy decides by the path, so a directory needs one.
TEST_F(policy, DirectoriesDeeperThanAnyPathAreOutOfReach) {
    const outcome result = both_.run_covered(
        "python3 -c 'import os; at = os.open(os.environ[\"R\"], 0)\n"
        "for depth in range(20):\n"
        "    os.mkdir(\"d\" * 250, dir_fd=at); at = os.open(\"d\" * 250, 0, dir_fd=at)' 2>&1 | "
        "grep -o 'File name too long'; cat $R/table.csv | head -n 1"
    );
    EXPECT_EQ(result.out, "File name too long\nname,count\n");
}

TEST_F(policy, TheParentOfAMixedDirectory) {
    // ".." out of a remote directory into a local one, and the other way.
    const outcome result = both_.run_covered(
        "cd $R && cat ../../etc/passwd | cmp - /etc/passwd && echo local; cd /usr && cat "
        "../srv/app/table.csv | head -n 1; cd /; cat srv/app/dir/../table.csv | tail -n 1"
    );
    EXPECT_EQ(result.out, "local\nname,count\nanna,2\n") << result.err;
}

}  // namespace
}  // namespace farside::test
