// Building and installing the list.
#include "layer/session/robust_list.hpp"

#include <cerrno>

#include <sys/syscall.h>
#include <unistd.h>

namespace farside::session {

robust_list::~robust_list() {
    if (thread_ == ::gettid()) {
        ::syscall(SYS_set_robust_list, previous_, sizeof *previous_);
    }
}

boost::system::error_code robust_list::install(segment::call_slot (&slots)[segment::slot_count]) {
    nodes_ = std::make_unique<node[]>(segment::slot_count);
    for (std::uint32_t i = 0; i < segment::slot_count; ++i) {
        const bool last = i + 1 == segment::slot_count;
        nodes_[i].link.next = last ? &head_.list : &nodes_[i + 1].link;
    }
    head_.list.next = &nodes_[0].link;
    head_.list_op_pending = nullptr;
    // Two addresses that do not belong to one object: subtracted as numbers.
    head_.futex_offset = static_cast<long>(
        reinterpret_cast<std::uintptr_t>(&slots[0].state) -
        reinterpret_cast<std::uintptr_t>(&nodes_[0].link)
    );
    std::size_t bytes = 0;
    thread_ = ::gettid();
    if (::syscall(SYS_get_robust_list, 0, &previous_, &bytes) != 0 ||
        ::syscall(SYS_set_robust_list, &head_, sizeof head_) != 0) {
        return {errno, boost::system::system_category()};
    }
    return {};
}

}  // namespace farside::session
