// What this process was started with: the signals it blocks and what it does with them. A program
// that is started later gets exactly that, whatever happens in between.
#pragma once

#include <csignal>

namespace farside::session {

class signal_state {
public:
    // Remembers, then makes children reapable (SIGCHLD may have been ignored).
    signal_state();

    // From now on signals only wait. Reversed by restore().
    void block_all();

    void restore() const;

private:
    sigset_t mask_{};

    struct sigaction child_ {};
};

}  // namespace farside::session
