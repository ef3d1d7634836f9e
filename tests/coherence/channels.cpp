// The ways in which a reader can learn of a round. Each is a file of the target, so that what it
// tells comes through the connection.
#include "tests/coherence/files.hpp"
#include "tests/coherence/subjects.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace farside::coherence {
namespace {

std::string file_of(const std::string& root) {
    return root + "/round";
}

class content : public channel {
public:
    void prepare(const std::string& root) override { write_whole(file_of(root), digits(0)); }

    void publish(const std::string& root, int round) override {
        write_whole(file_of(root), digits(round));
    }

    bool published(const std::string& root, int round) override {
        return read_whole(file_of(root)) == digits(round);
    }
};

class replaced : public content {
public:
    void publish(const std::string& root, int round) override {
        replace(file_of(root), digits(round));
    }
};

// Seen through a descriptor that stays open.
class growing : public channel {
public:
    ~growing() override { ::close(fd_); }

    void prepare(const std::string& root) override { write_whole(file_of(root), ""); }

    void publish(const std::string& root, int round) override {
        write_whole(file_of(root), std::string(static_cast<std::size_t>(round), 'x'));
    }

    bool published(const std::string& root, int round) override {
        if (fd_ < 0) {
            fd_ = ::open(file_of(root).c_str(), O_RDONLY | O_CLOEXEC);
        }
        char last = 0;
        return ::pread(fd_, &last, 1, round - 1) == 1;
    }

private:
    int fd_ = -1;
};

class time_of_change : public channel {
public:
    void prepare(const std::string& root) override { write_whole(file_of(root), ""); }

    void publish(const std::string& root, int round) override {
        const struct timespec times[2] = {{round, 0}, {round, 0}};
        if (::utimensat(AT_FDCWD, file_of(root).c_str(), times, 0) != 0) {
            fail("utimensat");
        }
    }

    bool published(const std::string& root, int round) override {
        struct stat told {};

        return ::stat(file_of(root).c_str(), &told) == 0 && told.st_mtim.tv_sec == round;
    }
};

// A name that was missing.
class appearing : public channel {
public:
    void prepare(const std::string& root) override { make_directory(file_of(root)); }

    void publish(const std::string& root, int round) override {
        write_whole(name(root, round), "");
    }

    bool published(const std::string& root, int round) override {
        return ::access(name(root, round).c_str(), F_OK) == 0;
    }

protected:
    static std::string name(const std::string& root, int round) {
        return file_of(root) + '/' + digits(round);
    }
};

class listed : public appearing {
public:
    bool published(const std::string& root, int round) override {
        return list(file_of(root)).find(digits(round)) != std::string::npos;
    }
};

}  // namespace

const std::vector<std::string>& channel_names() {
    static const std::vector<std::string> names{
        "content", "replaced", "growing", "time_of_change", "appearing", "listed"};
    return names;
}

std::unique_ptr<channel> make_channel(const std::string& name) {
    if (name == "content") {
        return std::make_unique<content>();
    }
    if (name == "replaced") {
        return std::make_unique<replaced>();
    }
    if (name == "growing") {
        return std::make_unique<growing>();
    }
    if (name == "time_of_change") {
        return std::make_unique<time_of_change>();
    }
    if (name == "appearing") {
        return std::make_unique<appearing>();
    }
    return std::make_unique<listed>();
}

}  // namespace farside::coherence
