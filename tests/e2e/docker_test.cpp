// The main job on a real container of a real Docker Engine: what a local program does on remote
// paths happens in the container, seen with `docker exec`, and not on this machine.
#include "tests/e2e/docker_engine.hpp"
#include "tests/support/sides.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

#include <unistd.h>

namespace farside::test {
namespace {

// What this machine has at no path that the tests use.
constexpr const char* app = "/srv/farside-e2e";

class DockerTarget : public ::testing::Test {
public:
    static void SetUpTestSuite() {
        if (::geteuid() != 0 || !is_installed("dockerd")) {
            return;
        }
        engine_ = std::make_unique<docker_engine>();
        const temp_dir image;
        const auto root = image.path();
        for (const char* directory : {"bin", "etc", "proc", "dev", "tmp", "srv", "var"}) {
            std::filesystem::create_directories(root / directory);
        }
        std::filesystem::copy_file("/bin/busybox", root / "bin/busybox");
        write_file(root / (app + 1) / "greeting", "hello from the image\n");
        write_file(root / (app + 1) / "sub/lines", "one\ntwo\nthree\n");
        write_file(root / "etc/hostname", "the-container\n");
        std::filesystem::create_symlink("/srv", root / "link-to-srv");
        std::filesystem::create_directory(root / "srv/volume");
        engine_->import_image(root, "farside-e2e");
        write_file(volume_.path() / "in-volume", "from the volume\n");
        container_ = start(
            "web", {"-v", volume_.path().string() + ":/srv/volume", "--tmpfs", "/srv/memory"}
        );
    }

    static void TearDownTestSuite() { engine_.reset(); }

protected:
    void SetUp() override {
        if (!engine_) {
            ASSERT_EQ(std::getenv("CI"), nullptr)
                << "needs root and dockerd, and CI must have both";
            GTEST_SKIP() << "needs root and dockerd";
        }
    }

    static std::string start(const std::string& name, std::vector<std::string> more = {}) {
        std::vector<std::string> line{"run", "-d", "--name", name, "--network", "none"};
        line.insert(line.end(), more.begin(), more.end());
        line.insert(line.end(), {"farside-e2e", "/bin/busybox", "sleep", "100000"});
        return engine_->docker(line);
    }

    static command covered(
        const std::string& target,
        const std::vector<std::string>& options,
        const std::vector<std::string>& program
    ) {
        command made;
        made.arguments = {farside_program(), "exec", "--target", target};
        made.arguments.insert(made.arguments.end(), options.begin(), options.end());
        made.arguments.emplace_back("--");
        made.arguments.insert(made.arguments.end(), program.begin(), program.end());
        made.environment = plain_environment();
        made.environment.push_back(engine_->environment());
        made.directory = "/tmp";
        return made;
    }

    static outcome in_web(const std::vector<std::string>& program) {
        return run(covered("docker/web", {"--fs-mode", "write"}, program));
    }

    static std::string container_file(const std::string& path) {
        return engine_->try_docker({"exec", "web", "/bin/busybox", "cat", path}).out;
    }

    static std::unique_ptr<docker_engine> engine_;
    static temp_dir volume_;
    static std::string container_;
};

std::unique_ptr<docker_engine> DockerTarget::engine_;
temp_dir DockerTarget::volume_;
std::string DockerTarget::container_;

TEST_F(DockerTarget, ReadsTheContainersFilesAndNotTheHosts) {
    ASSERT_FALSE(std::filesystem::exists(app));
    EXPECT_EQ(in_web({"cat", std::string{app} + "/greeting"}).out, "hello from the image\n");
    EXPECT_EQ(in_web({"cat", "/etc/hostname"}).out, container_file("/etc/hostname"));
    EXPECT_EQ(in_web({"cat", "/link-to-srv/farside-e2e/sub/lines"}).out, "one\ntwo\nthree\n");
    EXPECT_EQ(in_web({"cat", "/srv/volume/in-volume"}).out, "from the volume\n");
}

TEST_F(DockerTarget, RunsAnUnmodifiedScript) {
    const temp_dir local;
    write_file(local.path() / "test.py", R"(
import os
root = '/srv/farside-e2e/py'
os.makedirs(root + '/d')
with open(root + '/f', 'w') as f:
    f.write('0123456789')
with open(root + '/f', 'r+b') as f:
    f.seek(3); print(f.read(2)); f.seek(1, 1); print(f.read(1)); f.seek(-2, 2); print(f.read())
    f.seek(0); f.write(b'ab')
with open(root + '/f', 'a') as f:
    f.write('end')
fd = os.open(root, os.O_RDONLY)
print(os.read(os.open('f', os.O_RDONLY, dir_fd=fd), 100))
os.mkdir('e', dir_fd=fd)
print(sorted(os.listdir(fd)), os.stat('f', dir_fd=fd).st_size)
)");
    command made = covered("docker/web", {"--fs-mode", "write"}, {"python3", "test.py"});
    made.directory = local.path();
    const outcome result = run(made);
    EXPECT_EQ(result.err, "");
    EXPECT_EQ(result.out, "b'34'\nb'6'\nb'89'\nb'ab23456789end'\n['d', 'e', 'f'] 13\n");
    EXPECT_EQ(result.status(), 0);
    EXPECT_EQ(container_file("/srv/farside-e2e/py/f"), "ab23456789end");
    EXPECT_FALSE(std::filesystem::exists(app));
}

TEST_F(DockerTarget, RunsAShellAndItsChildren) {
    const outcome result = in_web(
        {"bash",
         "-c",
         "cd /srv/farside-e2e && sort -r < sub/lines > sorted && cat sub/lines >> sorted && "
         "sed -i s/two/TWO/ sorted && mkdir -p a/b && cp -a sub a/b && mv a/b/sub a/c && "
         "find . -name lines | sort && grep -rc . sorted && pwd && env -i /bin/cat greeting"}
    );
    EXPECT_EQ(result.err, "");
    EXPECT_EQ(result.out, "./a/c/lines\n./sub/lines\n6\n/srv/farside-e2e\nhello from the image\n");
    EXPECT_EQ(container_file("/srv/farside-e2e/sorted"), "TWO\nthree\none\none\nTWO\nthree\n");
    EXPECT_FALSE(std::filesystem::exists(app));
}

TEST_F(DockerTarget, TellsWatchersWhatTheContainerDoes) {
    const auto log = std::string{app} + "/growing";
    engine_->docker({"exec", "web", "/bin/busybox", "sh", "-c", "echo begin > " + log});
    process follower{
        covered("docker/web", {}, {"tail", "--follow=name", "--max-unchanged-stats=1000", log})};
    ASSERT_TRUE(follower.wait_for("begin\n"));
    for (const char* const line : {"one", "two"}) {
        engine_->docker(
            {"exec", "web", "/bin/busybox", "sh", "-c", std::string{"echo "} + line + " >> " + log}
        );
        EXPECT_TRUE(follower.wait_for(std::string{line} + '\n'));
    }
    follower.signal(SIGTERM);
    EXPECT_EQ(follower.wait().status(), 128 + SIGTERM);
}

TEST_F(DockerTarget, KeepsLocksAndMappingsInTheContainer) {
    const temp_dir local;
    write_file(local.path() / "test.py", R"(
import fcntl, mmap, sys
f = open('/srv/farside-e2e/mapped', 'w+b')
f.truncate(8192)
with mmap.mmap(f.fileno(), 8192) as m:
    m[4090:4100] = b'0123456789'
    m.flush()
fcntl.flock(f, fcntl.LOCK_EX)
print('locked', flush=True)
sys.stdin.read()
)");
    const std::string mapped = "/srv/farside-e2e/mapped";
    command made = covered("docker/web", {"--fs-mode", "write"}, {"python3", "test.py"});
    made.directory = local.path();
    made.input = "";
    process holder{made};
    ASSERT_TRUE(holder.wait_for("locked\n"));
    EXPECT_EQ(container_file(mapped).substr(4090, 10), "0123456789");
    // The container's own file, as a process of this machine's root sees it.
    const auto pid = engine_->docker({"inspect", "-f", "{{.State.Pid}}", "web"});
    const command try_lock{.arguments = {"flock", "-n", "/proc/" + pid + "/root" + mapped, "true"}};
    EXPECT_EQ(run(try_lock).status(), 1);
    holder.close_input();
    EXPECT_EQ(holder.wait().status(), 0);
    EXPECT_EQ(run(try_lock).status(), 0);
}

TEST_F(DockerTarget, SeesMountsOfTheContainer) {
    EXPECT_EQ(in_web({"sh", "-c", "echo x > /srv/memory/x; echo y > /srv/volume/y"}).status(), 0);
    EXPECT_EQ(container_file("/srv/memory/x"), "x\n");
    EXPECT_EQ(read_file(volume_.path() / "y"), "y\n");
}

TEST_F(DockerTarget, IsFoundByNameAndId) {
    const std::vector<std::string> program{"cat", std::string{app} + "/greeting"};
    for (const std::string& name : {container_, container_.substr(0, 12)}) {
        EXPECT_EQ(run(covered("docker/" + name, {}, program)).out, "hello from the image\n");
    }
}

TEST_F(DockerTarget, IsReadOnlyUnlessAsked) {
    const outcome result =
        run(covered("docker/web", {}, {"sh", "-c", "echo x > /srv/farside-e2e/refused"}));
    EXPECT_NE(result.status(), 0);
    EXPECT_NE(result.err.find("Read-only file system"), std::string::npos) << result.err;
    EXPECT_EQ(container_file("/srv/farside-e2e/refused"), "");
    EXPECT_FALSE(std::filesystem::exists(app));
}

// One line on standard error, and farside's own status.
void expect_refused(const outcome& result, const std::string& what) {
    EXPECT_EQ(result.status(), 125);
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(result.err.find('\n'), result.err.size() - 1) << result.err;
    EXPECT_TRUE(result.err.starts_with("farside: ")) << result.err;
    EXPECT_NE(result.err.find(what), std::string::npos) << result.err;
}

TEST_F(DockerTarget, SaysWhyAContainerCannotBeReached) {
    expect_refused(run(covered("docker/nobody", {}, {"true"})), "no such container");
    engine_->docker({"create", "--name", "asleep", "farside-e2e", "/bin/busybox", "true"});
    expect_refused(run(covered("docker/asleep", {}, {"true"})), "docker/asleep");

    command stopped = covered("docker/web", {}, {"true"});
    stopped.environment.push_back("DOCKER_HOST=unix:///nonexistent/docker.sock");
    expect_refused(run(stopped), "/nonexistent/docker.sock");

    command stranger = covered("docker/web", {}, {"true"});
    stranger.arguments.insert(
        stranger.arguments.begin(), {"setpriv", "--reuid", "65534", "--clear-groups"}
    );
    expect_refused(run(stranger), "permission");
}

TEST_F(DockerTarget, AnswersEioOnceTheContainerIsDead) {
    start("short");
    command made = covered(
        "docker/short",
        {},
        {"bash",
         "-c",
         "cat /srv/farside-e2e/greeting; read; cat /srv/farside-e2e/greeting; echo still here"}
    );
    made.input = "";
    process shell{made};
    ASSERT_TRUE(shell.wait_for("hello from the image\n"));
    engine_->docker({"kill", "short"});
    ASSERT_TRUE(shell.wait_for_error("farside: "));
    shell.write("\n");
    const outcome result = shell.wait();
    EXPECT_EQ(result.out, "hello from the image\nstill here\n");
    EXPECT_NE(result.err.find("Input/output error"), std::string::npos) << result.err;
    EXPECT_EQ(result.status(), 0);
}

TEST_F(DockerTarget, PidTargetsEnterTheSameFiles) {
    const std::string pid = engine_->docker({"inspect", "--format", "{{.State.Pid}}", "web"});
    EXPECT_EQ(
        run(covered("pid/" + pid, {}, {"cat", std::string{app} + "/greeting"})).out,
        "hello from the image\n"
    );
}

}  // namespace
}  // namespace farside::test
