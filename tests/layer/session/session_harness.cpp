// Building a session up and down.
#include "tests/layer/session/session_harness.hpp"

#include <cstdlib>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

namespace farside::session::testing {
namespace {

shared_memory make_memory() {
    auto made = shared_memory::create();
    if (!made) {
        std::abort();
    }
    return std::move(*made);
}

path_policy make_policy(const policy_options& options) {
    auto made = path_policy::compile(options);
    if (!made.policy) {
        std::abort();
    }
    return std::move(*made.policy);
}

unique_fd duplicate(int fd) {
    return unique_fd{::fcntl(fd, F_DUPFD_CLOEXEC, 0)};
}

}  // namespace

policy_options writable_policy() {
    policy_options options;
    options.mode = policy_mode::write;
    return options;
}

name_cache::options no_names() {
    name_cache::options names;
    names.enabled = false;
    names.predict = false;
    return names;
}

session_harness::session_harness(const policy_options& policy, const name_cache::options& names)
    : memory_{make_memory()},
      policy_{make_policy(policy)},
      names_{names},
      doorbell_{duplicate(memory_.inherited().doorbell)},
      template_{duplicate(memory_.inherited().template_)},
      notices_{::memfd_create("notices", MFD_CLOEXEC)} {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        std::abort();
    }
    session_connection_ = unique_fd{ends[0]};
    agent_ = std::make_unique<fake_agent>(unique_fd{ends[1]});
    caller_ = std::make_unique<fake_caller>(memory_.shared(), doorbell_.get(), template_.get());
    memory_.view().policy = policy_.table();
}

session_harness::~session_harness() {
    end();
}

std::string session_harness::start(std::chrono::milliseconds patience) {
    agent_->start();
    thread_ = std::thread{[this, patience] { live(std::move(session_connection_), patience); }};
    return started_.get_future().get();
}

void session_harness::end() {
    doorbell_.reset();
    if (thread_.joinable()) {
        thread_.join();
    }
}

void session_harness::live(unique_fd connection, std::chrono::milliseconds patience) {
    if (memory_.adopt()) {
        std::abort();
    }
    task_group tasks{io_.get_executor()};
    core_.emplace(tasks, memory_, policy_, notices_.get(), names_);
    stream_socket stream{io_.get_executor()};
    stream.assign({AF_UNIX, 0}, connection.release());
    tasks.spawn(serve(std::move(stream), patience));
    io_.run();
    stats_ = core_->stats();
    core_.reset();
}

awaitable<> session_harness::serve(stream_socket stream, std::chrono::milliseconds patience) {
    std::string no_token;
    const auto failure = co_await core_->connect(std::move(stream), std::move(no_token), patience);
    started_.set_value(failure);
    if (failure.empty()) {
        co_await core_->serve();
    }
    core_->stop();
}

std::string session_harness::said() const {
    std::string text(16 * 1024, '\0');
    const auto n = ::pread(notices_.get(), text.data(), text.size(), 0);
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return text;
}

}  // namespace farside::session::testing
