// The subjects: what B changes natively, and what A sees of it.
#include "tests/coherence/subjects.hpp"

#include "tests/coherence/files.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace farside::coherence {
namespace {

// A file of its own, the subject's name its name.
class one_file : public subject {
public:
    using subject::subject;

    void prepare(const std::string& root) override { write_whole(path(root), digits(0)); }

    std::string look(const std::string& root, int /*round*/) override {
        return read_whole(path(root)) + " " + describe(path(root));
    }

protected:
    [[nodiscard]] std::string path(const std::string& root) const { return root + '/' + name(); }
};

class written : public one_file {
public:
    written() : one_file{"written"} {}

    void change(const std::string& root, int round) override {
        const int fd = ::open(path(root).c_str(), O_WRONLY | O_CLOEXEC);
        if (::pwrite(fd, digits(round).data(), digits(round).size(), 0) < 0 || ::close(fd) != 0) {
            fail("pwrite");
        }
    }
};

// By somebody who keeps it open: there is always a writer.
class written_while_open : public one_file {
public:
    written_while_open() : one_file{"written_while_open"} {}

    ~written_while_open() override { ::close(fd_); }

    void change(const std::string& root, int round) override {
        if (fd_ < 0) {
            fd_ = ::open(path(root).c_str(), O_WRONLY | O_CLOEXEC);
        }
        if (::pwrite(fd_, digits(round).data(), digits(round).size(), 0) < 0) {
            fail("pwrite");
        }
    }

private:
    int fd_ = -1;
};

// Read through a descriptor that stays open.
class read_while_open : public one_file {
public:
    read_while_open() : one_file{"read_while_open"} {}

    ~read_while_open() override { ::close(fd_); }

    void change(const std::string& root, int round) override {
        write_whole(path(root), digits(round));
    }

    std::string look(const std::string& root, int /*round*/) override {
        if (fd_ < 0) {
            fd_ = ::open(path(root).c_str(), O_RDONLY | O_CLOEXEC);
        }
        char text[16] = {};

        struct stat told {};

        if (::pread(fd_, text, sizeof text - 1, 0) < 0 || ::fstat(fd_, &told) != 0) {
            fail("pread");
        }
        return text + std::to_string(told.st_size);
    }

private:
    int fd_ = -1;
};

class appended : public one_file {
public:
    appended() : one_file{"appended"} {}

    void change(const std::string& root, int /*round*/) override {
        const int fd = ::open(path(root).c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
        if (::write(fd, "more\n", 5) != 5 || ::close(fd) != 0) {
            fail("append");
        }
    }
};

class truncated : public one_file {
public:
    truncated() : one_file{"truncated"} {}

    void change(const std::string& root, int round) override {
        if (::truncate(path(root).c_str(), round % 2 == 0 ? round : 200 + round) != 0) {
            fail("truncate");
        }
    }
};

class mode_changed : public one_file {
public:
    mode_changed() : one_file{"mode_changed"} {}

    void change(const std::string& root, int round) override {
        if (::chmod(path(root).c_str(), 0600 + static_cast<unsigned>(round % 0100)) != 0) {
            fail("chmod");
        }
    }
};

// Extended attributes come and go; what a file without any says is not what one with others says.
class attributes_changed : public one_file {
public:
    attributes_changed() : one_file{"attributes_changed"} {}

    void change(const std::string& root, int round) override {
        const auto at = path(root);
        const int done =
            round % 2 == 1
                ? ::setxattr(at.c_str(), attribute, digits(round).data(), digits(round).size(), 0)
                : ::removexattr(at.c_str(), attribute);
        if (done != 0) {
            fail("setxattr or removexattr");
        }
    }

    std::string look(const std::string& root, int /*round*/) override {
        const auto at = path(root);
        std::array<char, 256> text{};
        const auto names = ::listxattr(at.c_str(), text.data(), text.size());
        const auto value = ::getxattr(at.c_str(), attribute, text.data(), text.size());
        const bool no_acl =
            ::getxattr(at.c_str(), "system.posix_acl_access", nullptr, 0) < 0 && errno == ENODATA;
        return std::to_string(names) + ' ' + std::to_string(value) + (no_acl ? " plain " : " ") +
               text.data();
    }

private:
    static constexpr const char* attribute = "security.farside_round";
};

class times_changed : public one_file {
public:
    times_changed() : one_file{"times_changed"} {}

    void change(const std::string& root, int round) override {
        const struct timespec times[2] = {{round, 7}, {round, 8}};
        if (::utimensat(AT_FDCWD, path(root).c_str(), times, 0) != 0) {
            fail("utimensat");
        }
    }
};

class renamed_over : public one_file {
public:
    renamed_over() : one_file{"renamed_over"} {}

    void change(const std::string& root, int round) override { replace(path(root), digits(round)); }
};

// The change is made through a name in another directory.
class linked_elsewhere : public one_file {
public:
    linked_elsewhere() : one_file{"linked_elsewhere"} {}

    void prepare(const std::string& root) override {
        one_file::prepare(root);
        make_directory(root + "/elsewhere");
        if (::link(path(root).c_str(), (root + "/elsewhere/name").c_str()) != 0) {
            fail("link");
        }
    }

    void change(const std::string& root, int round) override {
        write_whole(root + "/elsewhere/name", digits(round));
    }
};

// It gets, and loses, a second name in another directory.
class link_count : public one_file {
public:
    link_count() : one_file{"link_count"} {}

    void prepare(const std::string& root) override {
        one_file::prepare(root);
        make_directory(root + "/other");
    }

    void change(const std::string& root, int round) override {
        const auto other = root + "/other/name";
        if (round == 1) {
            return;  // the other directory is not known yet, see layer/session/README.md
        }
        const int done =
            round % 2 == 0 ? ::link(path(root).c_str(), other.c_str()) : ::unlink(other.c_str());
        if (done != 0) {
            fail("link or unlink");
        }
    }

    std::string look(const std::string& root, int round) override {
        return list(root + "/other") + one_file::look(root, round);
    }
};

// A file that was seen with one name gets a second one, in a directory that was seen, and is
// changed by that; each round another.
class changed_by_a_new_name : public subject {
public:
    changed_by_a_new_name() : subject{"changed_by_a_new_name"} {}

    void prepare(const std::string& root) override {
        make_directory(root + "/new");
        write_whole(first(root, 1), digits(0));
    }

    void change(const std::string& root, int round) override {
        const auto second = root + "/new/" + digits(round);
        if (round > 1 &&  // as above
            ::link(first(root, round).c_str(), second.c_str()) != 0) {
            fail("link");
        }
        write_whole(second, digits(round) + digits(round));
        write_whole(first(root, round + 1), digits(0));
    }

    // Not read, which would make it be asked for each time.
    std::string look(const std::string& root, int round) override {
        return list(root + "/new") + describe(first(root, round)) +
               describe(first(root, round + 1)) + describe(first(root, round + 1));
    }

private:
    static std::string first(const std::string& root, int round) {
        return root + "/new.first." + digits(round);
    }
};

// Stores through a mapping, which no event tells. When its times change is the kernel's affair.
class stored : public one_file {
public:
    stored() : one_file{"stored"} {}

    ~stored() override {
        if (map_ != nullptr) {
            ::munmap(map_, map_bytes);
        }
    }

    void prepare(const std::string& root) override {
        write_whole(path(root), std::string(map_bytes, ' '));
    }

    void change(const std::string& root, int round) override {
        if (map_ == nullptr) {
            const int fd = ::open(path(root).c_str(), O_RDWR | O_CLOEXEC);
            void* const at = ::mmap(nullptr, map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
            if (at == MAP_FAILED || ::close(fd) != 0) {
                fail("mmap");
            }
            map_ = static_cast<char*>(at);
        }
        std::memcpy(map_, digits(round).data(), digits(round).size());
    }

    std::string look(const std::string& root, int /*round*/) override {
        return read_whole(path(root)).substr(0, digits(0).size());
    }

private:
    static constexpr std::size_t map_bytes = 4096;
    char* map_ = nullptr;
};

class relinked : public subject {
public:
    relinked() : subject{"relinked"} {}

    void prepare(const std::string& root) override {
        write_whole(root + "/even", "even");
        write_whole(root + "/odd", "odd");
        change(root, 0);
    }

    void change(const std::string& root, int round) override {
        const auto link = root + "/relinked";
        const auto beside = link + ".new";
        if (::symlink(round % 2 == 0 ? "even" : "odd", beside.c_str()) != 0 ||
            ::rename(beside.c_str(), link.c_str()) != 0) {
            fail("symlink");
        }
    }

    std::string look(const std::string& root, int /*round*/) override {
        const auto link = root + "/relinked";
        return link_target(link) + ' ' + read_whole(link) + ' ' + describe(link) + ' ' +
               describe(link, AT_SYMLINK_NOFOLLOW);
    }
};

// A directory whose names come and go.
class names : public subject {
public:
    names() : subject{"names"} {}

    void prepare(const std::string& root) override { make_directory(root + "/names"); }

    void change(const std::string& root, int round) override {
        write_whole(at(root, round), digits(round));
        if (round > kept && ::unlink(at(root, round - kept).c_str()) != 0) {
            fail("unlink");
        }
    }

    std::string look(const std::string& root, int round) override {
        std::string text = list(root + "/names") + describe(root + "/names");
        for (int i = round - kept - 1; i <= round + 1; ++i) {
            text += ' ' + (i > 0 ? describe(at(root, i)) : std::string{});
        }
        return text;
    }

private:
    static constexpr int kept = 5;

    static std::string at(const std::string& root, int round) {
        return root + "/names/" + digits(round);
    }
};

// A directory that is moved, with what is in it, and something else in its place.
class moved_directory : public subject {
public:
    moved_directory() : subject{"moved_directory"} {}

    void prepare(const std::string& root) override {
        for (const char* const one : {"/left", "/right"}) {
            make_directory(root + one);
            make_directory(root + one + "/deep");
            write_whole(root + one + "/deep/file", one);
        }
    }

    void change(const std::string& root, int /*round*/) override {
        const auto at = [&](const char* name) { return root + name; };
        if (::rename(at("/left").c_str(), at("/between").c_str()) != 0 ||
            ::rename(at("/right").c_str(), at("/left").c_str()) != 0 ||
            ::rename(at("/between").c_str(), at("/right").c_str()) != 0) {
            fail("rename");
        }
    }

    std::string look(const std::string& root, int /*round*/) override {
        return read_whole(root + "/left/deep/file") + describe(root + "/left/deep/file") +
               read_whole(root + "/right/deep/file") + describe(root + "/between");
    }
};

// A directory that is removed and made anew.
class remade_directory : public subject {
public:
    remade_directory() : subject{"remade_directory"} {}

    void prepare(const std::string& /*root*/) override {}

    void change(const std::string& root, int round) override {
        const auto directory = root + "/remade";
        const auto file = directory + "/file";
        if (round % 2 == 1) {
            make_directory(directory);
            write_whole(file, digits(round));
        } else if (::unlink(file.c_str()) != 0 || ::rmdir(directory.c_str()) != 0) {
            fail("rmdir");
        }
    }

    std::string look(const std::string& root, int /*round*/) override {
        return read_whole(root + "/remade/file") + ' ' + describe(root + "/remade");
    }
};

}  // namespace

std::vector<std::unique_ptr<subject>> all_subjects() {
    std::vector<std::unique_ptr<subject>> all;
    all.push_back(std::make_unique<written>());
    all.push_back(std::make_unique<written_while_open>());
    all.push_back(std::make_unique<read_while_open>());
    all.push_back(std::make_unique<appended>());
    all.push_back(std::make_unique<truncated>());
    all.push_back(std::make_unique<mode_changed>());
    all.push_back(std::make_unique<attributes_changed>());
    all.push_back(std::make_unique<times_changed>());
    all.push_back(std::make_unique<renamed_over>());
    all.push_back(std::make_unique<linked_elsewhere>());
    all.push_back(std::make_unique<link_count>());
    all.push_back(std::make_unique<changed_by_a_new_name>());
    all.push_back(std::make_unique<stored>());
    all.push_back(std::make_unique<relinked>());
    all.push_back(std::make_unique<names>());
    all.push_back(std::make_unique<moved_directory>());
    all.push_back(std::make_unique<remade_directory>());
    return all;
}

}  // namespace farside::coherence
