// SIGCHLD is the only disposition that farside changes, so it is the only one to remember.
#include "layer/session/signal_state.hpp"

namespace farside::session {

signal_state::signal_state() {
    ::sigprocmask(SIG_SETMASK, nullptr, &mask_);

    struct sigaction plain {};

    plain.sa_handler = SIG_DFL;
    ::sigaction(SIGCHLD, &plain, &child_);
}

void signal_state::block_all() {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
}

void signal_state::restore() const {
    ::sigaction(SIGCHLD, &child_, nullptr);
    ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
}

}  // namespace farside::session
