// A Docker Engine of the test's own: started with its data, its socket and its log in a temporary
// directory, no network, and ended, with everything that runs in it, at the end.
#pragma once

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace farside::test {

class docker_engine {
public:
    // Throws std::runtime_error, with the end of the engine's log, where it does not come up.
    docker_engine();
    docker_engine(const docker_engine&) = delete;
    docker_engine& operator=(const docker_engine&) = delete;
    ~docker_engine();

    // Runs `docker ARGUMENTS...` against it; fails the test where that fails.
    std::string docker(const std::vector<std::string>& arguments) const;

    // The same, whatever comes of it.
    [[nodiscard]] outcome try_docker(const std::vector<std::string>& arguments) const;

    // Makes an image of a directory tree (docker import).
    void import_image(const std::filesystem::path& tree, const std::string& name) const;

    // "DOCKER_HOST=unix://..."
    [[nodiscard]] std::string environment() const { return "DOCKER_HOST=unix://" + socket(); }

    [[nodiscard]] std::string socket() const { return directory_.path() / "docker.sock"; }

    // Ends the engine, as its own shutdown would.
    void stop();

private:
    [[nodiscard]] std::string log_tail() const;

    temp_dir directory_;
    std::unique_ptr<process> daemon_;
};

}  // namespace farside::test
