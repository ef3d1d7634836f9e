// The decisions of planning.hpp. When in doubt a request goes to a worker: a hop costs
// microseconds, a blocked loop thread costs every client.
#include "agent/planning.hpp"

#include <fcntl.h>
#include <sys/file.h>

namespace farside::agent {
namespace {

lane at_once(const open_file& file) {
    return file.foreign ? lane::foreign : lane::here;
}

lane in_bounded_time(const open_file& file) {
    return file.foreign ? lane::foreign : lane::disk;
}

lane of_transfer(const open_file& file, std::size_t bytes) {
    if (is_stream(file.kind)) {
        return lane::patient;
    }
    const bool slow = bytes > limits::inline_bytes_max || file.kind == file_kind::block_device ||
                      (file.flags & O_DIRECT) != 0;
    return slow ? in_bounded_time(file) : at_once(file);
}

bool may_wait(const protocol::lock_file& request) {
    return (request.operation & LOCK_NB) == 0 && request.operation != LOCK_UN;
}

bool may_wait(const protocol::lock_record& request) {
    return request.command == F_OFD_SETLKW;
}

bool may_wait(const protocol::lock_process& request) {
    return request.command == F_SETLKW;
}

template <typename Request>
lane of_lock(const Request& request, const open_file& file) {
    return may_wait(request) ? lane::patient : at_once(file);
}

// Requests that change must not overtake the lock that they are made under, but what follows must
// not wait for a lock that is not given: another thread of the same program may be the one to
// release it.
template <typename Request>
order_class order_of_lock(const Request& request) {
    return may_wait(request) ? order_class::finish : order_class::change;
}

}  // namespace

order_class order_of(const protocol::close& /*request*/, const open_file& /*file*/) {
    return order_class::close;
}

order_class order_of(const protocol::read& /*request*/, const open_file& file) {
    return is_stream(file.kind) ? order_class::take : order_class::observe;
}

order_class order_of(const protocol::write& /*request*/, const open_file& file) {
    return is_stream(file.kind) ? order_class::put : order_class::change;
}

order_class order_of(const protocol::seek& /*request*/, const open_file& file) {
    return file.kind == file_kind::directory ? order_class::change : order_class::observe;
}

order_class order_of(const protocol::sync& /*request*/, const open_file& /*file*/) {
    return order_class::finish;
}

order_class order_of(const protocol::allocate& /*request*/, const open_file& /*file*/) {
    return order_class::change;
}

order_class order_of(const protocol::read_directory& /*request*/, const open_file& /*file*/) {
    return order_class::change;  // it moves the descriptor
}

order_class order_of(const protocol::copy_range& request, const open_file& /*file*/) {
    return request.from == request.to ? order_class::change : order_class::observe;
}

order_class order_of(const protocol::set_flags& /*request*/, const open_file& /*file*/) {
    return order_class::change;
}

order_class order_of(const protocol::lock_file& request, const open_file& /*file*/) {
    return order_of_lock(request);
}

order_class order_of(const protocol::lock_record& request, const open_file& /*file*/) {
    return order_of_lock(request);
}

order_class order_of(const protocol::ioctl& /*request*/, const open_file& /*file*/) {
    return order_class::change;
}

order_class order_of(const protocol::lock_process& request, const open_file& /*file*/) {
    return order_of_lock(request);
}

order_class order_of(const protocol::release_locks& /*request*/, const open_file& /*file*/) {
    return order_class::change;
}

order_class order_of(const protocol::end_lock_owner& /*request*/, const open_file& /*file*/) {
    return order_class::none;
}

order_class order_of(const protocol::write_back& /*request*/, const open_file& /*file*/) {
    return order_class::change;
}

order_class order_of(const protocol::watch_remove& /*request*/, const open_file& /*file*/) {
    return order_class::none;
}

lane lane_of(const protocol::close& /*request*/, const open_file& file) {
    // Closing a terminal waits until its output is out.
    return file.kind == file_kind::character_device ? lane::patient : at_once(file);
}

lane lane_of(const protocol::read& request, const open_file& file) {
    return of_transfer(file, request.bytes);
}

lane lane_of(const protocol::write& request, const open_file& file) {
    const bool synchronous = request.sync_flags != 0 || (file.flags & O_SYNC) != 0;
    const auto where = of_transfer(file, request.data.bytes.size());
    return synchronous && where == lane::here ? lane::disk : where;
}

lane lane_of(const protocol::seek& /*request*/, const open_file& file) {
    return at_once(file);
}

lane lane_of(const protocol::sync& /*request*/, const open_file& file) {
    return in_bounded_time(file);
}

lane lane_of(const protocol::allocate& /*request*/, const open_file& file) {
    return in_bounded_time(file);
}

lane lane_of(const protocol::read_directory& /*request*/, const open_file& file) {
    return at_once(file);
}

lane lane_of(const protocol::copy_range& /*request*/, const open_file& file) {
    return in_bounded_time(file);
}

lane lane_of(const protocol::set_flags& /*request*/, const open_file& file) {
    return at_once(file);
}

lane lane_of(const protocol::lock_file& request, const open_file& file) {
    return of_lock(request, file);
}

lane lane_of(const protocol::lock_record& request, const open_file& file) {
    return of_lock(request, file);
}

lane lane_of(const protocol::ioctl& /*request*/, const open_file& file) {
    return at_once(file);
}

lane lane_of(const protocol::lock_process& /*request*/, const open_file& file) {
    return at_once(file);  // most need not wait, and then cost no hop
}

lane lane_of(const protocol::release_locks& /*request*/, const open_file& file) {
    return at_once(file);
}

lane lane_of(const protocol::write_back& /*request*/, const open_file& file) {
    return in_bounded_time(file);
}

bool waits_for_leases(const protocol::set_attributes& request) {
    const bool open_for_writing = request.at.path.empty() && (request.flags & AT_EMPTY_PATH) == 0;
    return request.mask == protocol::set_mask::size && !open_for_writing;
}

lane lane_of_location(const work_context& context, lane path_lane) {
    const bool foreign =
        (context.file && context.file->foreign) || (context.file_to && context.file_to->foreign);
    return foreign ? lane::foreign : path_lane;
}

}  // namespace farside::agent
