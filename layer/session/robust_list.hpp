// Makes the kernel tell all callers when the session's thread ends, by whatever signal: every call
// slot's state word is on the thread's robust futex list (set_robust_list(2)), so the kernel marks
// each word that holds the thread's id with FUTEX_OWNER_DIED and wakes its waiter.
//
// The kernel follows list nodes and finds each word at a fixed distance from its node. The nodes
// are in memory that no user process can write; they have the stride of call_slot, so one distance
// fits:
//
//     private  P            P + stride       P + 2 * stride ...
//              node 0  ---> node 1      ---> node 2         ---> head
//     shared   W            W + stride       W + 2 * stride ...        futex_offset = W - P
//              state 0      state 1          state 2
#pragma once

#include "layer/segment/segment.hpp"
#include "protocol/error.hpp"

#include <cstddef>
#include <memory>

#include <linux/futex.h>

namespace farside::session {

class robust_list {
public:
    robust_list() = default;
    robust_list(const robust_list&) = delete;
    robust_list& operator=(const robust_list&) = delete;

    // On the thread that installed the list the C library's own is put back. Elsewhere that thread
    // has ended, and the list with it.
    ~robust_list();

    // For the calling thread. REQUIRES: `slots` stays mapped as long as the list is installed.
    [[nodiscard]] boost::system::error_code install(segment::call_slot (&slots)[segment::slot_count]
    );

private:
    struct alignas(segment::call_slot) node {
        ::robust_list link;
        std::byte padding[sizeof(segment::call_slot) - sizeof(::robust_list)];
    };

    static_assert(sizeof(node) == sizeof(segment::call_slot));

    std::unique_ptr<node[]> nodes_;
    ::robust_list_head head_{};
    ::robust_list_head* previous_ = nullptr;
    int thread_ = 0;
};

}  // namespace farside::session
