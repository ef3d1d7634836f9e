// Lines of calls on names and attributes, and of a few calls together.
#include "tests/conformance/transcript.hpp"

namespace farside::conformance {
namespace {

std::string with_flags(std::string call, int flags) {
    return flags == 0 ? call : call + ' ' + text::of_at_flags(flags);
}

std::string number(std::int64_t value) {
    return std::to_string(value);
}

// "-1" for the one that leaves an id alone.
std::string of_id(unsigned id) {
    return number(static_cast<int>(id));
}

constexpr moment long_ago{1'000'000'000, 5};

}  // namespace

file_status transcript::show_status(
    const std::string& call, outcome result, const file_status& status
) {
    record(call, result, text::of_status(status));
    return status;
}

file_status transcript::stat(const name& at, int flags) {
    file_status status;
    const auto result = api_->stat(at, flags, status);
    return show_status(with_flags("stat " + of(at), flags), result, status);
}

file_status transcript::fstat(int fd) {
    file_status status;
    const auto result = api_->fstat(fd, status);
    return show_status("fstat " + of(fd), result, status);
}

struct statx transcript::statx(const name& at, int flags, unsigned mask) {
    struct statx status {};

    const auto result = api_->statx(at, flags, mask, status);
    const auto call = with_flags("statx " + of(at), flags) + " mask " + text::octal(mask);
    // A file system may tell more than it was asked for; what it must tell is compared.
    const auto told = status.stx_mask & mask & ~static_cast<unsigned>(STATX_MNT_ID);
    record(
        call,
        result,
        "mask " + text::octal(told) + ' ' + text::of_type(status.stx_mode) + ' ' +
            text::octal(status.stx_mode & 07777U) + " links " + number(status.stx_nlink)
    );
    return status;
}

file_status transcript::peek(const name& at, int flags) {
    file_status status;
    const auto result = api_->stat(at, flags, status);
    if (result < 0) {
        record(with_flags("stat " + of(at), flags), result);
    }
    return status;
}

file_status transcript::peek(int fd) {
    file_status status;
    const auto result = api_->fstat(fd, status);
    if (result < 0) {
        record("fstat " + of(fd), result);
    }
    return status;
}

outcome transcript::access(const name& at, int mode, int flags) {
    std::string asked = mode == F_OK ? "F_OK" : "";
    asked += (mode & R_OK) != 0 ? "r" : "";
    asked += (mode & W_OK) != 0 ? "w" : "";
    asked += (mode & X_OK) != 0 ? "x" : "";
    asked += (mode & ~(R_OK | W_OK | X_OK)) != 0 ? number(mode) : "";
    return record(
        with_flags("access " + of(at) + ' ' + asked, flags), api_->access(at, mode, flags)
    );
}

std::string transcript::readlink(const name& at, std::size_t room) {
    std::string target(room, '\0');
    const auto got = api_->readlink(at, target);
    return finish_read("readlink " + of(at) + " room " + std::to_string(room), got, target);
}

namespace {

// Numbers that other programs move are compared by the case, not written.
std::string of_file_system(const file_system_status& status) {
    return "type " + number(static_cast<std::int64_t>(status.type)) + " block " +
           std::to_string(status.block_bytes) + " blocks " + std::to_string(status.blocks) +
           " name " + std::to_string(status.name_bytes_max);
}

}  // namespace

file_system_status transcript::statfs(const std::string& path) {
    file_system_status status;
    const auto result = api_->statfs(path, status);
    record("statfs " + of(path), result, of_file_system(status));
    return status;
}

file_system_status transcript::fstatfs(int fd) {
    file_system_status status;
    const auto result = api_->fstatfs(fd, status);
    record("fstatfs " + of(fd), result, of_file_system(status));
    return status;
}

outcome transcript::truncate(const std::string& path, std::int64_t size) {
    return record("truncate " + of(path) + ' ' + number(size), api_->truncate(path, size));
}

outcome transcript::chmod(const name& at, unsigned mode, int flags) {
    return record(
        with_flags("chmod " + of(at) + ' ' + text::octal(mode), flags), api_->chmod(at, mode, flags)
    );
}

outcome transcript::fchmod(int fd, unsigned mode) {
    return record("fchmod " + of(fd) + ' ' + text::octal(mode), api_->fchmod(fd, mode));
}

outcome transcript::chown(const name& at, unsigned uid, unsigned gid, int flags) {
    return record(
        with_flags("chown " + of(at) + ' ' + of_id(uid) + ' ' + of_id(gid), flags),
        api_->chown(at, uid, gid, flags)
    );
}

outcome transcript::fchown(int fd, unsigned uid, unsigned gid) {
    return record(
        "fchown " + of(fd) + ' ' + of_id(uid) + ' ' + of_id(gid), api_->fchown(fd, uid, gid)
    );
}

outcome transcript::utimens(
    const name& at, const moment& accessed, const moment& modified, int flags
) {
    return record(
        with_flags(
            "utimens " + of(at) + ' ' + text::of_moment(accessed) + ' ' + text::of_moment(modified),
            flags
        ),
        api_->utimens(at, accessed, modified, flags)
    );
}

outcome transcript::futimens(int fd, const moment& accessed, const moment& modified) {
    return record(
        "futimens " + of(fd) + ' ' + text::of_moment(accessed) + ' ' + text::of_moment(modified),
        api_->futimens(fd, accessed, modified)
    );
}

void transcript::show_times(const name& at, int flags) {
    const auto status = peek(at, flags);
    note(
        "times of " + of(at) + ": accessed " + text::of_moment(status.accessed) + " modified " +
        text::of_moment(status.modified)
    );
}

void transcript::make_old(const name& at) {
    const auto result = api_->utimens(at, long_ago, long_ago, 0);
    record("make old " + of(at), result);
}

// The change time cannot be set; that it moves can be told by no more than its own order.
void transcript::show_renewed(const name& at) {
    const auto status = peek(at);
    note(
        "renewed times of " + of(at) + ":" + (status.accessed > long_ago ? " accessed" : "") +
        (status.modified > long_ago ? " modified" : "")
    );
}

outcome transcript::umask(unsigned mask) {
    const auto before = api_->umask(mask);
    return record("umask " + text::octal(mask), before, text::octal(static_cast<unsigned>(before)));
}

outcome transcript::mkdir(const name& at, unsigned mode) {
    return record("mkdir " + of(at) + ' ' + text::octal(mode), api_->mkdir(at, mode));
}

outcome transcript::mkfifo(const name& at, unsigned mode) {
    return mknod(at, S_IFIFO | mode);
}

outcome transcript::mknod(const name& at, unsigned mode, unsigned major, unsigned minor) {
    return record(
        "mknod " + of(at) + ' ' + text::of_type(mode) + ' ' + text::octal(mode & 07777U) + ' ' +
            number(major) + ':' + number(minor),
        api_->mknod(at, mode, major, minor)
    );
}

outcome transcript::unlink(const name& at, int flags) {
    const bool directory = flags == AT_REMOVEDIR;
    const std::string call = (directory ? "rmdir " : "unlink ") + of(at);
    return record(directory ? call : with_flags(call, flags), api_->unlink(at, flags));
}

outcome transcript::rename(const name& from, const name& to, unsigned flags) {
    return record(
        "rename " + of(from) + ' ' + of(to) + (flags == 0 ? "" : " flags " + number(flags)),
        api_->rename(from, to, flags)
    );
}

outcome transcript::link(const name& from, const name& to, int flags) {
    return record(
        with_flags("link " + of(from) + ' ' + of(to), flags), api_->link(from, to, flags)
    );
}

outcome transcript::symlink(const std::string& target, const name& at) {
    return record("symlink " + text::shortened(target) + ' ' + of(at), api_->symlink(target, at));
}

outcome transcript::get_xattr(const name& at, const std::string& key, std::size_t room, int flags) {
    std::string value(room, '\0');
    const auto got = api_->get_xattr(at, flags, key, value);
    value.resize(got > 0 && room > 0 ? static_cast<std::size_t>(got) : 0);
    return record(
        with_flags(
            "getxattr " + of(at) + ' ' + text::shortened(key) + " room " + std::to_string(room),
            flags
        ),
        got,
        number(got) + ' ' + text::shortened(value)
    );
}

outcome transcript::list_xattr(const name& at, std::size_t room, int flags) {
    std::string names(room, '\0');
    const auto got = api_->list_xattr(at, flags, names);
    names.resize(got > 0 && room > 0 ? static_cast<std::size_t>(got) : 0);
    return record(
        with_flags("listxattr " + of(at) + " room " + std::to_string(room), flags),
        got,
        number(got) + ' ' + text::shortened(names)
    );
}

outcome transcript::set_xattr(
    const name& at, const std::string& key, std::string_view value, int how, int flags
) {
    return record(
        with_flags(
            "setxattr " + of(at) + ' ' + text::shortened(key) + ' ' + text::shortened(value) +
                (how == 0 ? "" : " how " + number(how)),
            flags
        ),
        api_->set_xattr(at, flags, key, value, how)
    );
}

outcome transcript::remove_xattr(const name& at, const std::string& key, int flags) {
    return record(
        with_flags("removexattr " + of(at) + ' ' + text::shortened(key), flags),
        api_->remove_xattr(at, flags, key)
    );
}

void transcript::make_file(const name& at, std::string_view content, unsigned mode) {
    const auto call = "make file " + of(at) + ' ' + text::shortened(content);
    const auto fd = api_->open(at, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) {
        record(call, fd);
        return;
    }
    const auto put = content.empty() ? 0 : api_->write(static_cast<int>(fd), content);
    const auto closed = api_->close(static_cast<int>(fd));
    record(call, put < 0 ? put : closed);
}

void transcript::show_file(const name& at) {
    const auto call = "content of " + of(at);
    const auto fd = api_->open(at, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) {
        record(call, fd);
        return;
    }
    std::string content;
    std::string part(65536, '\0');
    outcome got = 0;
    while ((got = api_->read(static_cast<int>(fd), part)) > 0) {
        content.append(part, 0, static_cast<std::size_t>(got));
    }
    record(call, got, text::shortened(content));
    api_->close(static_cast<int>(fd));
}

}  // namespace farside::conformance
