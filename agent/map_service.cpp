// What was stored into a mapping, written to its file. The request has its handle to itself while
// it runs (order_class::change), so that the handle's flags may be others for that long.
#include "agent/attributes.hpp"
#include "agent/services.hpp"
#include "protocol/limits.hpp"

#include <algorithm>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace farside::agent {
namespace {

constexpr unsigned told = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID;

result<protocol::attributes> attributes_of(int fd) {
    struct statx found {};

    if (::statx(fd, "", AT_EMPTY_PATH, told, &found) != 0) {
        return last_error();
    }
    return to_wire(found);
}

// pwrite(2) appends where the handle does, whatever offset it is given, and wants aligned memory
// where the handle is O_DIRECT: both are set aside for the life of this.
class plain_writing {
public:
    explicit plain_writing(const open_file& file) : fd_{file.fd.get()} {
        const int flags = ::fcntl(fd_, F_GETFL);
        if (flags >= 0 && (flags & unwanted) != 0 &&
            ::fcntl(fd_, F_SETFL, flags & ~unwanted) == 0) {
            before_ = flags;
        }
    }

    plain_writing(const plain_writing&) = delete;
    plain_writing& operator=(const plain_writing&) = delete;

    ~plain_writing() {
        if (before_ != none) {
            ::fcntl(fd_, F_SETFL, before_);
        }
    }

private:
    static constexpr int unwanted = O_APPEND | O_DIRECT;
    static constexpr int none = -1;

    int fd_;
    int before_ = none;
};

// The whole store, as far as the file reaches. False: errno says why not.
bool write_store(const work_context& context, const protocol::store& store, std::int64_t size) {
    auto bytes = store.data.bytes;
    const auto room = std::max<std::int64_t>(size - store.offset, 0);
    bytes = bytes.first(std::min(bytes.size(), static_cast<std::size_t>(room)));
    auto offset = store.offset;
    while (!bytes.empty()) {
        const auto written = unless_interrupted(context, [&] {
            return ::pwrite(context.fd(), bytes.data(), bytes.size(), offset);
        });
        if (written <= 0) {
            errno = written == 0 ? EIO : errno;
            return false;
        }
        bytes = bytes.subspan(static_cast<std::size_t>(written));
        offset += written;
    }
    return true;
}

}  // namespace

result<protocol::write_back_reply> execute(
    const protocol::write_back& request, const work_context& context
) {
    if (context.file->kind != file_kind::regular) {
        return errno_code(EINVAL);
    }
    const bool valid =
        std::ranges::all_of(request.stores, [](const protocol::store& s) { return s.offset >= 0; });
    if (!valid) {
        return errno_code(EINVAL);
    }
    const auto before = attributes_of(context.fd());
    if (!before) {
        return before.error();
    }
    protocol::write_back_reply reply;
    reply.before = *before;
    int failure = 0;
    {
        const plain_writing plain{*context.file};
        const auto size = static_cast<std::int64_t>(before->size);
        for (const auto& store : request.stores) {
            if (!write_store(context, store, size)) {
                failure = errno;
                break;
            }
            ++reply.stores;
        }
    }
    if (reply.stores == 0 && failure != 0) {
        return errno_code(failure);
    }
    const auto after = attributes_of(context.fd());
    if (!after) {
        return after.error();
    }
    reply.after = *after;
    return reply;
}

}  // namespace farside::agent
