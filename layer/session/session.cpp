// The session process from its first to its last line. One thread, one io_context.
//
//     start the agent -> shake hands -> "ready" -> serve --- doorbell ends ---> wind up -> "idle"
//                                          |                                       ^
//                                    program_ended -> some process is left -> "lingering"
#include "layer/session/session.hpp"

#include "layer/session/agent_address.hpp"
#include "layer/session/agent_process.hpp"
#include "layer/session/session_core.hpp"
#include "protocol/support/heap.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace farside::session {
namespace {

constexpr int exit_failed = 125;

// Children that end together with the program are not "left behind": the end of the doorbell is
// waited for this long before the supervisor is told so.
constexpr std::chrono::milliseconds linger_grace{50};
// An agent that ended gets this long to be reaped, to say with what status.
constexpr unsigned status_patience_ms = 500;

name_cache::options names_of(const session_config& config) {
    name_cache::options names;
    names.enabled = config.use_caches;
    names.predict = config.predict;
    return names;
}

class session_process {
public:
    session_process(
        const session_config& config,
        const path_policy& policy,
        shared_memory& memory,
        unique_fd control,
        unique_fd stats_file
    )
        : config_{config},
          memory_{memory},
          control_fd_{control.get()},
          control_{io_.get_executor(), control.release()},
          stats_file_{std::move(stats_file)},
          core_{
              tasks_,
              memory,
              policy,
              STDERR_FILENO,
              names_of(config),
              config.write_behind && config.use_caches ? write_behind::mode::on
                                                       : write_behind::mode::off} {
        file_cache::options data;
        data.enabled = config.use_caches;
        data.predict = config.predict;
        core_.configure(data);
    }

    int run() {
        tasks_.spawn(live());
        io_.run();
        return status_;
    }

private:
    awaitable<> live();
    awaitable<std::string> start_agent();
    awaitable<stream_socket> connect_agent(std::string& failure);
    awaitable<> watch_supervisor();
    awaitable<> wind_up();
    void linger();
    void write_stats();

    std::uint64_t wall_ms() const {
        const auto lived = std::chrono::steady_clock::now() - began_;
        return static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(lived).count()
        );
    }

    const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    const session_config& config_;
    shared_memory& memory_;
    asio::io_context io_{1};
    task_group tasks_{io_.get_executor()};
    int control_fd_;
    async_descriptor control_;
    unique_fd stats_file_;
    session_core core_;
    std::optional<agent_process> agent_;
    bool program_ended_ = false;
    bool lingering_ = false;
    async_event program_end_{io_.get_executor()};
    std::optional<deadline> grace_;
    int status_ = 0;
};

awaitable<> session_process::live() {
    const std::string failed = co_await start_agent();
    if (!failed.empty()) {
        status_ = exit_failed;
        core_.stop();
        if (agent_) {
            co_await agent_->stop();
        }
        static_cast<void>(send_control(control_fd_, control_kind::failed, failed));
        co_return;
    }
    if (send_control(control_fd_, control_kind::ready)) {
        // The supervisor died: nobody will ever call.
        program_ended_ = true;
    }
    tasks_.spawn(watch_supervisor());
    co_await core_.serve();
    grace_.reset();
    co_await wind_up();
}

awaitable<stream_socket> session_process::connect_agent(std::string& failure) {
    if (config_.source == agent_source::address) {
        auto connected = co_await connect_to(io_.get_executor(), config_.agent);
        failure = connected.failure;
        co_return std::move(connected.stream);
    }
    std::vector<std::string> arguments;
    if (config_.source == agent_source::command) {
        arguments = {"/bin/sh", "-c", config_.agent};
    } else {
        arguments = {config_.agent, "--stdio", "--target", config_.target};
    }
    stream_socket stream{io_.get_executor()};
    auto started = agent_process::start(io_.get_executor(), arguments);
    if (started) {
        agent_.emplace(std::move(*started));
        stream.assign({AF_UNIX, 0}, agent_->take_connection().release());
        tasks_.spawn(agent_->relay_errors());
    } else {
        failure = "cannot start " + arguments[0] + ": " + started.error().message();
    }
    co_return std::move(stream);
}

// Empty, or the line that says why there is no session.
awaitable<std::string> session_process::start_agent() {
    std::string failure;
    stream_socket stream = co_await connect_agent(failure);
    if (!failure.empty()) {
        co_return failure;
    }
    failure = co_await core_.connect(std::move(stream), config_.token);
    if (failure == agent_link::silent_end && agent_) {
        const auto ended = co_await agent_->ended_within(status_patience_ms);
        failure += ended ? " (" + *ended + ")" : "";
    }
    co_return failure;
}

// Reads the one message that the supervisor sends, or finds that it is gone.
awaitable<> session_process::watch_supervisor() {
    const auto [ec] = co_await control_.async_wait(async_descriptor::wait_read, as_result);
    if (ec) {
        co_return;
    }
    static_cast<void>(receive_control(control_fd_));
    program_ended_ = true;
    program_end_.notify();
    if (!core_.ended()) {
        grace_.emplace(io_.get_executor(), linger_grace, [this] {
            if (!core_.ended()) {
                linger();
            }
        });
    }
}

// The supervisor returns now; whoever reads the standard streams must not wait for us, and the
// directory we were started in can be unmounted.
void session_process::linger() {
    lingering_ = true;
    static_cast<void>(send_control(control_fd_, control_kind::lingering));
    [[maybe_unused]] const int moved = ::chdir("/");
    if (config_.stats.enabled && config_.stats.file.empty()) {
        return;
    }
    const unique_fd nowhere{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    if (nowhere) {
        ::dup2(nowhere.get(), STDERR_FILENO);
    }
}

awaitable<> session_process::wind_up() {
    core_.stop();
    if (agent_) {
        co_await agent_->stop();
    }
    write_stats();
    while (!program_ended_) {
        co_await program_end_.wait();
    }
    if (!lingering_) {
        static_cast<void>(send_control(control_fd_, control_kind::idle));
    }
    boost::system::error_code ignored;
    control_.close(ignored);
}

void session_process::write_stats() {
    if (!config_.stats.enabled) {
        return;
    }
    const auto layer_hits = memory_.shared().head.hits.load(std::memory_order_relaxed);
    const std::string text = core_.stats().json(layer_hits, wall_ms());
    const int fd = stats_file_ ? stats_file_.get() : STDERR_FILENO;
    std::size_t done = 0;
    while (done < text.size()) {
        const auto n = ::write(fd, text.data() + done, text.size() - done);
        if (n < 0 && errno != EINTR) {
            core_.user().say("cannot write the statistics: " + std::string{std::strerror(errno)});
            return;
        }
        done += n > 0 ? static_cast<std::size_t>(n) : 0;
    }
}

// ---- before the loop ----

void prepare_process() {
    keep_buffers_on_the_heap();

    struct sigaction action {};

    action.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &action, nullptr);
    action.sa_handler = SIG_DFL;
    ::sigaction(SIGCHLD, &action, nullptr);  // an ignored one would reap the agent unseen

    // A descriptor for each process that calls.
    struct rlimit files {};

    if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &files);
    }
    // The program's input and output are not ours to hold open.
    const unique_fd nowhere{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    if (nowhere) {
        ::dup2(nowhere.get(), STDIN_FILENO);
        ::dup2(nowhere.get(), STDOUT_FILENO);
    }
}

// Fills what is the same for the whole life. Empty, or why not.
std::string fill_view(
    segment::view& view, const session_config& config, const path_policy& policy
) {
    if (config.target.size() >= sizeof view.target ||
        config.library.size() >= sizeof view.library) {
        return "the target's name or the library's path is too long";
    }
    view.magic = segment::view_magic;
    view.version = segment::layout_version;
    view.allow_local = config.allow_local ? 1 : 0;
    std::memcpy(view.target, config.target.c_str(), config.target.size() + 1);
    std::memcpy(view.library, config.library.c_str(), config.library.size() + 1);
    view.policy = policy.table();
    return {};
}

struct opened_file {
    unique_fd fd;
    std::string failure;
};

opened_file open_stats_file(const stats_options& options) {
    opened_file opened;
    if (options.enabled && !options.file.empty()) {
        constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
        opened.fd = unique_fd{::open(options.file.c_str(), flags, 0666)};
        if (!opened.fd) {
            opened.failure = "cannot write " + options.file + ": " + std::strerror(errno);
        }
    }
    return opened;
}

int refuse_to_start(int control, const std::string& line) {
    static_cast<void>(send_control(control, control_kind::failed, line));
    return exit_failed;
}

}  // namespace

int run_session(
    const session_config& config, const path_policy& policy, shared_memory memory, unique_fd control
) {
    prepare_process();
    if (const auto failure = fill_view(memory.view(), config, policy); !failure.empty()) {
        return refuse_to_start(control.get(), failure);
    }
    auto stats_file = open_stats_file(config.stats);
    if (!stats_file.failure.empty()) {
        return refuse_to_start(control.get(), stats_file.failure);
    }
    if (const auto ec = memory.adopt()) {
        return refuse_to_start(control.get(), "cannot set up the shared memory: " + ec.message());
    }
    session_process session{config, policy, memory, std::move(control), std::move(stats_file.fd)};
    return session.run();
}

}  // namespace farside::session
