// Between the program's start and its end all signals are blocked and arrive through a signalfd:
// each is looked at once, in one place, and nothing is interrupted.
#include "layer/session/supervisor.hpp"

#include "layer/session/control.hpp"
#include "layer/session/notice.hpp"
#include "layer/session/process_status.hpp"
#include "layer/session/session.hpp"
#include "layer/session/terminal.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <string>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

namespace farside::session {
namespace {

int fail(std::string_view line) {
    notices{STDERR_FILENO}.say(line);
    return status_failed;
}

// A stream that farside finds closed is closed for the program, too. Until then its number must not
// go to something else: what writes to standard error would write there.
void fill_closed_streams() {
    for (int fd = ::open("/dev/null", O_RDWR | O_CLOEXEC); fd >= 0;
         fd = ::open("/dev/null", O_RDWR | O_CLOEXEC)) {
        if (fd > STDERR_FILENO) {
            ::close(fd);
            return;
        }
    }
}

// Descriptors that farside inherited: the program's, and nobody else's to keep open.
std::vector<int> inherited_descriptors() {
    std::vector<int> result;
    DIR* const directory = ::opendir("/proc/self/fd");
    if (directory == nullptr) {
        return result;
    }
    while (const dirent* entry = ::readdir(directory)) {
        const int fd = std::atoi(entry->d_name);
        if (fd > STDERR_FILENO && fd != ::dirfd(directory)) {
            result.push_back(fd);
        }
    }
    ::closedir(directory);
    return result;
}

// What the program has open ends when the program closes it. Standard error stays: there may be
// something to say.
void let_go(const std::vector<int>& not_ours) {
    for (const int fd : not_ours) {
        ::close(fd);
    }
    const unique_fd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    ::dup2(null.get(), STDIN_FILENO);
    ::dup2(null.get(), STDOUT_FILENO);
}

[[noreturn]] void become_session(
    const session_config& config,
    const path_policy& policy,
    shared_memory memory,
    unique_fd control,
    const std::vector<int>& not_ours
) {
    // Out of the terminal's reach: what ends or stops the program must not stop its files.
    ::setsid();
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    let_go(not_ours);
    ::_exit(run_session(config, policy, std::move(memory), std::move(control)));
}

// Ends as the program did, but without a second core file.
int end_by(int signal) {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    ::prctl(PR_SET_DUMPABLE, 0);
    ::signal(signal, SIG_DFL);
    ::kill(::getpid(), signal);
    sigset_t only;
    ::sigemptyset(&only);
    ::sigaddset(&only, signal);
    ::sigprocmask(SIG_UNBLOCK, &only, nullptr);
    return 128 + signal;  // not reached, but where signals cannot end us (process 1)
}

class supervisor {
public:
    supervisor(pid_t program, pid_t session, unique_fd control)
        : program_{program}, session_{session}, control_{std::move(control)} {
        sigset_t all;
        ::sigfillset(&all);
        signals_ = unique_fd{::signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK)};
    }

    // Returns the program's wait status.
    int run() {
        while (!ended_) {
            wait_for_event();
            read_signals();
            if (control_ready_) {
                session_is_gone();
            }
        }
        return status_;
    }

    // Waits until the session is done, unless it has processes left to serve, or the user is tired
    // of waiting.
    void finish() {
        if (!control_) {
            return;
        }
        if (send_control(control_.get(), control_kind::program_ended)) {
            session_is_gone();
            return;
        }
        while (!control_ready_) {
            if (leave_) {
                return;
            }
            wait_for_event();
            read_signals();
        }
        const auto last = receive_control(control_.get());
        if (!last) {
            session_is_gone();
        } else if (last->kind == control_kind::idle) {
            ::waitpid(session_, nullptr, 0);
        }
    }

private:
    void wait_for_event() {
        pollfd events[] = {{signals_.get(), POLLIN, 0}, {control_.get(), POLLIN, 0}};
        if (::poll(events, 2, -1) > 0) {
            control_ready_ = control_ && events[1].revents != 0;
        }
    }

    void read_signals() {
        signalfd_siginfo info{};
        while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
            const int signal = static_cast<int>(info.ssi_signo);
            if (ended_) {
                // There is no program any more that it could be for.
                leave_ = leave_ || signal == SIGINT || signal == SIGTERM || signal == SIGQUIT ||
                         signal == SIGHUP;
                continue;
            }
            if (signal == SIGCHLD) {
                reap();
            } else if (signal == SIGCONT) {
                resume();
            } else if (is_for_program(info)) {
                forward(signal, info);
            }
        }
    }

    // What the kernel sends (a key on the terminal, a hang-up) goes to the whole process group, the
    // program included. So does what the program or a child of its sends to its group. Timers are
    // those that farside was started with.
    [[nodiscard]] bool is_for_program(const signalfd_siginfo& info) const {
        const auto signal = info.ssi_signo;
        if (signal == SIGALRM || signal == SIGVTALRM || signal == SIGPROF) {
            return true;
        }
        return info.ssi_code <= 0 && !descends_from(static_cast<pid_t>(info.ssi_pid), program_);
    }

    void forward(int signal, const signalfd_siginfo& info) const {
        if (info.ssi_code == SI_QUEUE) {
            sigval value{};
            std::memcpy(&value.sival_ptr, &info.ssi_ptr, sizeof value.sival_ptr);
            ::sigqueue(program_, signal, value);
        } else {
            ::kill(program_, signal);
        }
    }

    void reap() {
        int status = 0;
        while (::waitpid(program_, &status, WNOHANG | WUNTRACED) == program_) {
            if (!WIFSTOPPED(status)) {
                status_ = status;
                ended_ = true;
                return;
            }
            stop_by(WSTOPSIG(status));
        }
    }

    // The shell that started farside must see it stop where the program did.
    void stop_by(int signal) const {
        if (!is_stopped(program_)) {
            return;  // continued since
        }

        struct sigaction plain {};

        struct sigaction before {};

        plain.sa_handler = SIG_DFL;
        ::sigaction(signal, &plain, &before);
        sigset_t only;
        ::sigemptyset(&only);
        ::sigaddset(&only, signal);
        ::kill(::getpid(), signal);
        ::sigprocmask(SIG_UNBLOCK, &only, nullptr);  // stops here, until somebody continues us
        ::sigprocmask(SIG_BLOCK, &only, nullptr);
        ::sigaction(signal, &before, nullptr);
    }

    // Most often the program is in our process group and has got its SIGCONT too. A shell has a
    // group of its own, which nobody but us knows of.
    void resume() const {
        if (!is_stopped(program_)) {
            return;
        }
        const pid_t group = ::getpgid(program_);
        if (group == ::getpgrp()) {
            ::kill(program_, SIGCONT);
        } else if (group > 0) {
            give_terminal_to(group);
            ::kill(-group, SIGCONT);
        }
    }

    // The program goes on: its local files are there, and it learns of the others by EIO.
    void session_is_gone() {
        notices{STDERR_FILENO}.say("the session ended unexpectedly: remote files are out of reach");
        ::waitpid(session_, nullptr, WNOHANG);
        control_.reset();
        control_ready_ = false;
    }

    pid_t program_;
    pid_t session_;
    unique_fd control_;
    unique_fd signals_;
    bool control_ready_ = false;
    bool ended_ = false;
    bool leave_ = false;
    int status_ = 0;
};

// Where covered processes write their traces; none where they write none. Nothing: it cannot be
// opened, and errno says why.
std::optional<unique_fd> open_trace(const trace_options& options) {
    if (!options.enabled) {
        return unique_fd{};
    }
    constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOCTTY;
    unique_fd file{
        options.file.empty() ? ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
                             : ::open(options.file.c_str(), flags, 0666)};
    return file ? std::optional{std::move(file)} : std::nullopt;
}

}  // namespace

int supervise(const session_config& config, const path_policy& policy, const program_start& start) {
    fill_closed_streams();
    const std::vector<int> not_ours = inherited_descriptors();
    signal_state signals;
    auto memory = shared_memory::create(config.use_caches ? shared_memory::arena_bytes_default : 0);
    auto control = make_control_pair();
    if (!memory || !control) {
        return fail("no shared memory: " + (memory ? control.error() : memory.error()).message());
    }
    auto trace = open_trace(config.trace);
    if (!trace) {
        const std::string name = config.trace.file.empty() ? "standard error" : config.trace.file;
        return fail("cannot write the trace to " + name + ": " + std::strerror(errno));
    }
    memory->set_trace(std::move(*trace));
    const pid_t session = ::fork();
    if (session < 0) {
        return fail(std::string{"no process for the session: "} + std::strerror(errno));
    }
    if (session == 0) {
        control->supervisor.reset();
        become_session(config, policy, std::move(*memory), std::move(control->session), not_ours);
    }
    control->session.reset();
    const auto first = receive_control(control->supervisor.get());
    if (!first || first->kind != control_kind::ready) {
        ::waitpid(session, nullptr, 0);
        return fail(first ? first->line() : "the session ended before it was ready");
    }

    const pid_t self = ::getpid();
    signals.block_all();
    const pid_t program = ::fork();
    if (program < 0) {
        return fail(std::string{"no process for the program: "} + std::strerror(errno));
    }
    if (program == 0) {
        become_program(start, *memory, config.library, signals, self);
    }
    memory->release_descriptors();
    let_go(not_ours);
    supervisor parent{program, session, std::move(control->supervisor)};
    const int status = parent.run();
    parent.finish();
    return WIFSIGNALED(status) ? end_by(WTERMSIG(status)) : WEXITSTATUS(status);
}

}  // namespace farside::session
