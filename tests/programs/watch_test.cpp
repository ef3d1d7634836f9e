// Programs that wait for changes: of files that they change themselves, and that others change in
// the target. Each is run natively on a tree of its own, and covered; what it prints must be equal.
#include "tests/support/sides.hpp"
#include "tests/support/tree.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>

namespace farside::test {
namespace {

namespace fs = std::filesystem;

// Somebody who has nothing to do with the program, after it said something.
struct change {
    std::string after;
    std::function<void(const fs::path&)> make;
};

void append(const fs::path& path, const std::string& text) {
    std::ofstream file{path, std::ios::app};
    file << text << std::flush;
}

// Runs `script` with R as its tree, makes the changes there, and tells what it printed.
std::string run_and_change(
    const command& program, const fs::path& tree, const std::vector<change>& changes
) {
    process running{program};
    for (const auto& next : changes) {
        if (!running.wait_for(next.after)) {
            const auto ended = running.wait();
            ADD_FAILURE() << "no \"" << next.after << "\" in: " << ended.out << ended.err;
            return ended.out;
        }
        next.make(tree);
    }
    const auto ended = running.wait();
    EXPECT_EQ(ended.status(), 0) << ended.err;
    return ended.out;
}

void expect_the_same(const std::string& script, const std::vector<change>& changes) {
    const sides both;
    const temp_dir native_tree;
    append(native_tree.path() / "notes.txt", "one\n");
    fs::create_directory(native_tree.path() / "dir");
    fs::create_directory(both.remote() / "watched");
    append(both.remote() / "watched/notes.txt", "one\n");
    fs::create_directory(both.remote() / "watched/dir");

    const auto with = [&](const std::string& tree) {
        return "export R=" + tree + "; cd " + both.local().string() + "; " + script;
    };
    command natively{
        .arguments = {"bash", "-c", with(native_tree.path())}, .environment = plain_environment()};
    const auto expected = run_and_change(natively, native_tree.path(), changes);
    const auto remote = std::string{remote_root} + "/watched";
    const auto covered = both.covered_command({"bash", "-c", with(remote)});
    const auto got = run_and_change(covered, both.remote() / "watched", changes);
    EXPECT_FALSE(expected.empty());
    EXPECT_EQ(
        replace_all(expected, native_tree.path().string(), "$R"), replace_all(got, remote, "$R")
    );
    EXPECT_EQ(children_left(), "");
}

const auto nothing = [](const fs::path&) {};

TEST(WatchingPrograms, TailPrintsWhatOthersAppend) {
    expect_the_same(
        "coproc tail -n +1 -f $R/notes.txt; "
        "for i in 1 2 3; do read a <&${COPROC[0]}; echo $a; done; kill $COPROC_PID",
        {{"one\n", [](const fs::path& tree) { append(tree / "notes.txt", "two\n"); }},
         {"two\n", [](const fs::path& tree) { append(tree / "notes.txt", "three\n"); }}}
    );
}

TEST(WatchingPrograms, TailPrintsWhatTheProgramAppends) {
    expect_the_same(
        "coproc tail -n +1 -f $R/notes.txt; read a <&${COPROC[0]}; echo $a; "
        "for i in 2 3 4; do echo line $i >> $R/notes.txt; read a <&${COPROC[0]}; echo got $a; "
        "done; "
        "kill $COPROC_PID",
        {{"one\n", nothing}}
    );
}

TEST(WatchingPrograms, InotifywaitTellsAll) {
    if (!is_installed("inotifywait")) {
        GTEST_SKIP() << "inotifywait is not installed";
    }
    expect_the_same(
        "coproc inotifywait -m $R $R/dir --format '%w %e %f' 2>&1; "
        "while read -r a <&${COPROC[0]}; do "
        "[[ $a == *established* ]] && echo ready; "
        "[[ $a == $R* ]] && echo $a; "
        "[[ $a == *CREATE*first ]] && mv $R/notes.txt $R/dir/moved && rmdir $R/first; "
        "[[ $a == *last ]] && break; done; "
        "kill $COPROC_PID",
        {{"ready\n", [](const fs::path& tree) { fs::create_directory(tree / "first"); }},
         {"DELETE,ISDIR first\n",
          [](const fs::path& tree) { fs::create_directory(tree / "last"); }}}
    );
}

TEST(WatchingPrograms, Node) {
    if (!is_installed("node")) {
        GTEST_SKIP() << "node is not installed";
    }
    expect_the_same(
        "node -e 'const fs = require(\"fs\"), r = process.env.R; "
        "const w = fs.watch(r, (e, f) => { console.log(e, f); "
        "if (f == \"first\") fs.rmdirSync(r + \"/dir\"); if (f == \"last\") process.exit(0); }); "
        "console.log(\"ready\")'",
        {{"ready\n", [](const fs::path& tree) { fs::create_directory(tree / "first"); }},
         {"dir\n", [](const fs::path& tree) { fs::create_directory(tree / "last"); }}}
    );
}

TEST(WatchingPrograms, NodeByPolling) {
    if (!is_installed("node")) {
        GTEST_SKIP() << "node is not installed";
    }
    expect_the_same(
        "node -e 'const fs = require(\"fs\"), n = process.env.R + \"/notes.txt\"; "
        "fs.watchFile(n, {interval: 20}, (now, was) => { console.log(now.size > was.size); "
        "process.exit(0); }); setInterval(() => fs.appendFileSync(n, \"more\"), 30)'",
        {}
    );
}

TEST(WatchingPrograms, Java) {
    if (!is_installed("java")) {
        GTEST_SKIP() << "java is not installed";
    }
    expect_the_same(
        "cat > W.java <<'END'\n"
        "import java.nio.file.*;\n"
        "import static java.nio.file.StandardWatchEventKinds.*;\n"
        "class W {\n"
        "  public static void main(String[] a) throws Exception {\n"
        "    Path r = Path.of(System.getenv(\"R\"));\n"
        "    var s = FileSystems.getDefault().newWatchService();\n"
        "    r.register(s, ENTRY_CREATE, ENTRY_DELETE);\n"
        "    System.out.println(\"ready\");\n"
        "    for (int seen = 0; seen < 3;) {\n"
        "      var key = s.take();\n"
        "      for (var e : key.pollEvents()) {\n"
        "        System.out.println(e.kind() + \" \" + e.context());\n"
        "        if (++seen == 1) Files.delete(r.resolve(\"dir\"));\n"
        "      }\n"
        "      key.reset();\n"
        "    }\n"
        "  }\n"
        "}\n"
        "END\n"
        "java -Xshare:auto W.java; rm W.java",
        {{"ready\n", [](const fs::path& tree) { fs::create_directory(tree / "first"); }},
         {"ENTRY_DELETE dir\n", [](const fs::path& tree) { fs::create_directory(tree / "last"); }}}
    );
}

// By the C functions; the descriptor is inherited by a child that adds a watch of its own.
TEST(WatchingPrograms, PythonAndItsChild) {
    expect_the_same(
        "cat > w.py <<'END'\n"
        "import ctypes, os, select, struct, subprocess, sys\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "root = os.environ['R']\n"
        "def add(fd, path): return libc.inotify_add_watch(fd, os.fsencode(path), 0x100)\n"
        "if len(sys.argv) > 1:\n"
        "    print('child', add(int(sys.argv[1]), root + '/dir'))\n"
        "    os.mkdir(root + '/by_child')\n"
        "    sys.exit(0)\n"
        "fd = libc.inotify_init()\n"
        "os.set_inheritable(fd, True)\n"
        "print('parent', add(fd, root))\n"
        "sys.stdout.flush()\n"
        "subprocess.run([sys.executable, 'w.py', str(fd)], close_fds=False, check=True)\n"
        "poll = select.epoll()\n"
        "poll.register(fd, select.EPOLLIN)\n"
        "print('ready', flush=True)\n"
        "seen = 0\n"
        "while seen < 3:\n"
        "    poll.poll()\n"
        "    data = os.read(fd, 4096)\n"
        "    while data:\n"
        "        watch, mask, cookie, length = struct.unpack('iIII', data[:16])\n"
        "        print(watch, mask, data[16:16 + length].rstrip(b'\\0').decode(), flush=True)\n"
        "        data = data[16 + length:]\n"
        "        seen += 1\n"
        "END\n"
        "python3 w.py; rm w.py",
        {{"ready\n", [](const fs::path& tree) { fs::create_directory(tree / "dir/first"); }},
         {"first\n", [](const fs::path& tree) { fs::create_directory(tree / "last"); }}}
    );
}

}  // namespace
}  // namespace farside::test
