// The workers behind the lanes, shared by all connections of the agent.
#pragma once

#include "agent/blocking_pool.hpp"
#include "agent/limits.hpp"
#include "agent/work.hpp"

namespace farside::agent {

struct lane_limits {
    blocking_pool::limits disk{limits::disk_workers_max, limits::queued_calls_max};
    blocking_pool::limits foreign{limits::foreign_workers_max, limits::queued_calls_max};
    blocking_pool::limits patient{limits::patient_workers_max, 0};
};

class lanes {
public:
    lanes(const lane_limits& bounds, const creation_mask& mask)
        : disk_{bounds.disk, mask},
          foreign_{bounds.foreign, mask},
          patient_{bounds.patient, mask} {}

    // REQUIRES: not lane::here.
    [[nodiscard]] blocking_pool& of(lane where) {
        if (where == lane::patient) {
            return patient_;
        }
        return where == lane::foreign ? foreign_ : disk_;
    }

private:
    blocking_pool disk_;
    blocking_pool foreign_;
    blocking_pool patient_;
};

}  // namespace farside::agent
