// The engine runs as a child of the test; its containers are removed before it is told to end.
#include "tests/e2e/docker_engine.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <stdexcept>

namespace farside::test {
namespace {

// How often an engine that starts is asked whether it is there. Each question waits for the client,
// so this is no busy loop; a cold start takes a few seconds.
constexpr int questions_max = 300;

}  // namespace

docker_engine::docker_engine() {
    const std::string base = directory_.path();
    const std::string script = "exec dockerd --data-root " + base + "/data --exec-root " + base +
                               "/exec --pidfile " + base + "/pid -H unix://" + socket() +
                               " --iptables=false --bridge=none --storage-driver=vfs >" + base +
                               "/log 2>&1";
    daemon_ = std::make_unique<process>(command{
        .arguments = {"sh", "-c", script}, .limit = std::chrono::seconds{600}});
    for (int asked = 0; asked < questions_max; ++asked) {
        if (try_docker({"version"}).status() == 0) {
            return;
        }
        if (wait_for_end(daemon_->pid(), std::chrono::seconds{0})) {
            break;
        }
    }
    throw std::runtime_error("dockerd did not start:\n" + log_tail());
}

docker_engine::~docker_engine() {
    stop();
}

void docker_engine::stop() {
    if (!daemon_) {
        return;
    }
    const outcome containers = try_docker({"ps", "-aq"});
    std::string id;
    for (const char c : containers.out) {
        if (c != '\n') {
            id += c;
        } else {
            static_cast<void>(try_docker({"rm", "-f", std::exchange(id, {})}));
        }
    }
    daemon_->signal(SIGTERM);
    static_cast<void>(daemon_->wait());
    daemon_.reset();
}

outcome docker_engine::try_docker(const std::vector<std::string>& arguments) const {
    std::vector<std::string> line{"docker"};
    line.insert(line.end(), arguments.begin(), arguments.end());
    return run({.arguments = line, .environment = {environment()}});
}

std::string docker_engine::docker(const std::vector<std::string>& arguments) const {
    const outcome result = try_docker(arguments);
    EXPECT_EQ(result.status(), 0) << "docker " << arguments.front() << ": " << result.err;
    std::string out = result.out;
    while (out.ends_with('\n')) {
        out.pop_back();
    }
    return out;
}

void docker_engine::import_image(const std::filesystem::path& tree, const std::string& name) const {
    const std::string archive = directory_.path() / "image.tar";
    const outcome packed =
        run({.arguments = {"tar", "-C", tree, "--numeric-owner", "-cf", archive, "."}});
    ASSERT_EQ(packed.status(), 0) << packed.err;
    docker({"import", archive, name});
}

std::string docker_engine::log_tail() const {
    return run({.arguments = {"tail", "-n", "20", directory_.path() / "log"}}).out;
}

}  // namespace farside::test
