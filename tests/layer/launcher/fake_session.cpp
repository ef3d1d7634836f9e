// Stands in for the session process in the supervisor's tests: speaks the control protocol and
// nothing else. The target's name says how it behaves.
#include "layer/session/session.hpp"

#include <poll.h>

namespace farside::session {

int run_session(
    const session_config& config, const path_policy& policy, shared_memory memory, unique_fd control
) {
    (void)policy;
    const std::string& how = config.target;
    if (how == "fake/refuses") {
        (void)send_control(control.get(), control_kind::failed, "no such container: refuses");
        return 125;
    }
    if (how == "fake/dies-first") {
        return 1;
    }
    const unique_fd doorbell = memory.take_session_doorbell();
    memory.release_descriptors();
    (void)send_control(control.get(), control_kind::ready);
    if (how == "fake/dies") {
        return 1;
    }
    (void)receive_control(control.get());
    if (how == "fake/lingers") {
        (void)send_control(control.get(), control_kind::lingering);
    }
    // Until no process has the other end.
    pollfd end{doorbell.get(), POLLIN, 0};
    ::poll(&end, 1, -1);
    if (how != "fake/lingers") {
        (void)send_control(control.get(), control_kind::idle);
    }
    return 0;
}

}  // namespace farside::session
