// Both worlds are below one temporary directory: native/{root,local}, covered/{root,local}, and
// programs/ and scripts/ that they share.
#include "tests/support/sides.hpp"

#include "tests/support/tree.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <sstream>

namespace farside::test {

namespace fs = std::filesystem;

namespace {

struct places {
    std::string tree;
    std::string local;
    fs::path base;
};

std::vector<std::string> words_of(const std::string& script, const places& at) {
    std::istringstream text{script.substr(4)};
    std::vector<std::string> words;
    for (std::string word; text >> word;) {
        word = replace_all(word, "$R", at.tree);
        word = replace_all(word, "$L", at.local);
        word = replace_all(word, "$S", (at.base / "scripts").string());
        words.push_back(replace_all(word, "$B", (at.base / "programs").string()));
    }
    return words;
}

std::vector<std::string> arguments_of(const std::string& script, const places& at) {
    if (script.starts_with("run ")) {
        return words_of(script, at);
    }
    return {"bash", "-c", script};
}

std::vector<std::string> environment_of(const places& at) {
    std::vector<std::string> result = plain_environment();
    result.push_back("R=" + at.tree);
    result.push_back("L=" + at.local);
    result.push_back("S=" + (at.base / "scripts").string());
    result.push_back("B=" + (at.base / "programs").string());
    return result;
}

std::string comparable(std::string text, const places& at) {
    return replace_all(replace_all(std::move(text), at.tree, "$R"), at.local, "$L");
}

outcome comparable(outcome result, const places& at) {
    result.out = comparable(std::move(result.out), at);
    result.err = comparable(std::move(result.err), at);
    return result;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::istringstream in{text};
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) {
        lines.push_back(line);
    }
    return lines;
}

// The lines [from, to), as many as help, each as far as it helps.
std::string shown(const std::vector<std::string>& lines, std::size_t from, std::size_t to) {
    constexpr std::size_t lines_max = 25;
    constexpr std::size_t line_bytes_max = 250;
    std::string result;
    for (std::size_t i = from; i < std::min(to, from + lines_max); ++i) {
        result += "    " + lines[i].substr(0, line_bytes_max) + '\n';
    }
    return result + (to > from + lines_max ? "    ...\n" : "");
}

// Reports where two texts differ rather than the texts, which are long.
void expect_the_same_text(const char* what, const std::string& native, const std::string& covered) {
    if (native == covered) {
        return;
    }
    const std::vector<std::string> left = lines_of(native);
    const std::vector<std::string> right = lines_of(covered);
    const std::size_t common = std::min(left.size(), right.size());
    std::size_t first = 0;
    while (first < common && left[first] == right[first]) {
        ++first;
    }
    std::size_t after = 0;
    while (after < common - first &&
           left[left.size() - 1 - after] == right[right.size() - 1 - after]) {
        ++after;
    }
    ADD_FAILURE() << what << " differs from line " << first + 1 << " on; natively\n"
                  << shown(left, first, left.size() - after) << "covered\n"
                  << shown(right, first, right.size() - after);
}

}  // namespace

std::string farside_program() {
    return FARSIDE_BINARY_DIR "/bin/farside";
}

std::string agent_program() {
    return FARSIDE_BINARY_DIR "/bin/farside-agent";
}

std::vector<std::string> plain_environment() {
    return {
        "LC_ALL=C.UTF-8",
        "TZ=UTC",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "BASH_ENV",
        "ENV",
        "LANG",
        "LS_COLORS",
        "NODE_EXTRA_CA_CERTS",
        "OLDPWD",
        "POSIXLY_CORRECT",
        "PWD",
        "TIME_STYLE"};
}

std::ostream& operator<<(std::ostream& out, const program_row& row) {
    return out << row.name;
}

sides::sides() {
    adopt_orphans();
    make_sample_tree(native_root() / "srv/app");
    make_sample_tree(target() / "srv/app");
    fs::create_directory(base_.path() / "native/local");
    fs::create_directory(local());
    fs::copy(FARSIDE_TEST_SCRIPTS, base_.path() / "scripts");
    fs::copy(FARSIDE_TEST_PROGRAMS, base_.path() / "programs");
}

fs::path sides::native_root() const {
    return base_.path() / "native/root";
}

fs::path sides::remote() const {
    return target().string() + std::string{remote_root};
}

command sides::covered_command(
    const std::vector<std::string>& arguments, const std::vector<std::string>& flags
) const {
    const places at{std::string{remote_root}, local(), base_.path()};
    command result{
        .arguments = {farside_program(), "exec", "--target", "dir/" + target().string()},
        .environment = environment_of(at),
        .directory = at.local};
    if (flags.empty() || !flags.front().starts_with("--fs-mode")) {
        result.arguments.insert(result.arguments.end(), {"--fs-mode", "write"});
    }
    result.arguments.insert(result.arguments.end(), flags.begin(), flags.end());
    result.arguments.push_back("--");
    result.arguments.insert(result.arguments.end(), arguments.begin(), arguments.end());
    return result;
}

outcome sides::run_natively(const std::string& script) const {
    const places at{native_root() / "srv/app", base_.path() / "native/local", base_.path()};
    return comparable(
        run(
            {.arguments = arguments_of(script, at),
             .environment = environment_of(at),
             .directory = at.local}
        ),
        at
    );
}

outcome sides::run_covered(const std::string& script, const std::vector<std::string>& flags) const {
    const places at{std::string{remote_root}, local(), base_.path()};
    return comparable(run(covered_command(arguments_of(script, at), flags)), at);
}

std::string sides::native_trees() const {
    const places at{native_root() / "srv/app", base_.path() / "native/local", base_.path()};
    return comparable(describe_tree(native_root()) + "local\n" + describe_tree(at.local), at);
}

std::string sides::covered_trees() const {
    const places at{std::string{remote_root}, local(), base_.path()};
    return comparable(describe_tree(target()) + "local\n" + describe_tree(at.local), at);
}

void expect_the_same(const program_row& row) {
    if (*row.needs != '\0' && !is_installed(row.needs)) {
        GTEST_SKIP() << row.needs << " is not installed";
    }
    const sides both;
    ASSERT_FALSE(fs::exists(remote_root)) << "the tests need a path that this machine lacks";
    const std::string before = both.native_trees();
    ASSERT_EQ(before, both.covered_trees());

    const outcome native = both.run_natively(row.script);
    ASSERT_EQ(native.status(), row.status) << "natively\n" << native.out << native.err;
    const std::string expected_trees = both.native_trees();
    ASSERT_TRUE(row.status != 0 || !native.out.empty() || expected_trees != before)
        << "the script shows nothing";

    const outcome covered = both.run_covered(row.script);
    const auto readable = [](const std::string& text) { return printable(text, newlines::keep); };
    expect_the_same_text("output", readable(native.out), readable(covered.out));
    expect_the_same_text("error output", readable(native.err), readable(covered.err));
    EXPECT_EQ(native.wait_status, covered.wait_status);
    expect_the_same_text("what is left", expected_trees, both.covered_trees());
    EXPECT_FALSE(fs::exists(remote_root)) << "created on the wrong side";
    EXPECT_EQ(children_left(), "");
}

}  // namespace farside::test
