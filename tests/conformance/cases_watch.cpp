// inotify(7): every event, in order, with its watch, its name and what it belongs to. Natively and
// under the layer; each with the case's directory as its working directory.
#include "tests/conformance/conformance_case.hpp"
#include "tests/conformance/told.hpp"

#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <thread>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace farside::conformance {
namespace {

std::string of_mask(std::uint32_t mask) {
    constexpr std::pair<std::uint32_t, const char*> bits[] = {
        {IN_ACCESS, "ACCESS"},
        {IN_MODIFY, "MODIFY"},
        {IN_ATTRIB, "ATTRIB"},
        {IN_CLOSE_WRITE, "CLOSE_WRITE"},
        {IN_CLOSE_NOWRITE, "CLOSE_NOWRITE"},
        {IN_OPEN, "OPEN"},
        {IN_MOVED_FROM, "MOVED_FROM"},
        {IN_MOVED_TO, "MOVED_TO"},
        {IN_CREATE, "CREATE"},
        {IN_DELETE, "DELETE"},
        {IN_DELETE_SELF, "DELETE_SELF"},
        {IN_MOVE_SELF, "MOVE_SELF"},
        {IN_UNMOUNT, "UNMOUNT"},
        {IN_Q_OVERFLOW, "Q_OVERFLOW"},
        {IN_IGNORED, "IGNORED"},
        {IN_ISDIR, "ISDIR"},
    };
    std::string words;
    for (const auto& [bit, word] : bits) {
        if ((mask & bit) != 0) {
            words += (words.empty() ? "" : "|") + std::string{word};
            mask &= ~bit;
        }
    }
    return mask == 0 ? words : words + " and " + std::to_string(mask);
}

// An inotify instance whose events are written down.
class watcher {
public:
    explicit watcher(transcript& t, std::string label = "")
        : t_{t}, label_{std::move(label)}, fd_{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)} {
        t_.note("inotify_init", fd_ >= 0);
    }

    watcher(const watcher&) = delete;
    watcher& operator=(const watcher&) = delete;

    ~watcher() { ::close(fd_); }

    [[nodiscard]] int fd() const { return fd_; }

    int add(const std::string& path, std::uint32_t mask = IN_ALL_EVENTS) {
        const int watch = ::inotify_add_watch(fd_, path.c_str(), mask);
        t_.record(label_ + "inotify_add_watch " + text::shortened(path), told(watch));
        return watch;
    }

    void remove(int watch) {
        t_.record(label_ + "inotify_rm_watch", told(::inotify_rm_watch(fd_, watch)));
    }

    // What is in the queue. Nothing is waited for: what happened is there.
    void show() {
        alignas(inotify_event) std::array<char, 65536> room{};
        const ssize_t got = ::read(fd_, room.data(), room.size());
        if (got < 0) {
            t_.record(label_ + "read", told(got));
            return;
        }
        inotify_event head{};
        for (ssize_t at = 0; at < got; at += static_cast<ssize_t>(sizeof head + head.len)) {
            const char* const event = room.data() + at;
            std::memcpy(&head, event, sizeof head);
            std::string line = label_ + "  " + std::to_string(head.wd) + ' ' + of_mask(head.mask);
            if (head.len > 0) {
                line += ' ' + text::shortened(event + sizeof head);
            }
            if (head.cookie != 0) {
                const auto number = cookies_.emplace(head.cookie, cookies_.size() + 1);
                line += " move " + std::to_string(number.first->second);
            }
            t_.note(line);
        }
    }

private:
    transcript& t_;
    std::string label_;
    int fd_;
    std::map<std::uint32_t, std::size_t> cookies_;
};

constexpr conformance_case cases[] = {
    {"watch.files_made_used_and_removed",
     [](transcript& t) {
         watcher w{t};
         w.add(".");
         const int fd = t.open("a", O_RDWR | O_CREAT, 0644);
         w.show();
         t.write(fd, "hello");
         t.pwrite(fd, "J", 0);
         w.show();
         t.pread(fd, 5, 0);
         t.read(fd, 5);
         w.show();
         t.ftruncate(fd, 2);
         t.fallocate(fd, 0, 0, 100);
         w.show();
         t.close(fd);
         w.show();
         t.close(t.open("a", O_RDONLY));
         t.close(t.open("a", O_WRONLY | O_TRUNC));
         w.show();
         t.open("none", O_RDONLY);
         t.open("a", O_RDONLY | O_CREAT | O_EXCL);
         w.show();
         t.unlink("a");
         w.show();
     }},
    {"watch.attributes",
     [](transcript& t) {
         t.make_file("a", "content");
         watcher w{t};
         w.add(".");
         t.chmod("a", 0600);
         t.chmod(".", 0700);
         w.show();
         t.chown("a", 65534, 65534);
         w.show();
         t.utimens("a", {1, 0}, {2, 0});
         t.utimens("a", {3, 0}, {0, UTIME_OMIT});
         t.utimens("a", {0, UTIME_OMIT}, {4, 0});
         w.show();
         t.truncate("a", 3);
         w.show();
         t.stat("a");
         t.access("a", R_OK);
         t.statfs("a");
         w.show();
     }},
    {"watch.a_file_alone",
     [](transcript& t) {
         t.make_file("a", "content");
         t.make_file("b", "another");
         watcher w{t};
         w.add("a");
         const int fd = t.open("a", O_RDWR);
         t.read(fd, 3);
         t.write(fd, "x");
         t.fchmod(fd, 0600);
         t.close(fd);
         t.show_file("b");
         w.show();
         t.link("a", "c");
         t.truncate("c", 1);
         w.show();
         t.rename("a", "d");
         w.show();
         t.rename("b", "d");
         w.show();
         t.unlink("c");
         w.show();
     }},
    {"watch.rename_within",
     [](transcript& t) {
         t.make_file("a", "1");
         t.make_file("b", "2");
         t.mkdir("dir");
         watcher w{t};
         w.add(".");
         t.rename("a", "c");
         w.show();
         t.rename("b", "c");
         w.show();
         t.rename("dir", "other");
         t.rename("c", "c");
         t.rename("none", "c");
         w.show();
         t.rename("c", "other", RENAME_EXCHANGE);
         w.show();
     }},
    {"watch.rename_across",
     [](transcript& t) {
         t.mkdir("one");
         t.mkdir("two");
         t.mkdir("unwatched");
         t.make_file("one/a", "1");
         t.make_file("unwatched/b", "2");
         t.mkdir("one/sub");
         watcher w{t};
         w.add("one");
         w.add("two");
         t.rename("one/a", "two/z");
         w.show();
         t.rename("one/sub", "two/sub");
         w.show();
         t.rename("two/z", "unwatched/z");
         w.show();
         t.rename("unwatched/b", "one/b");
         w.show();
         t.rename("unwatched/z", "one/b");
         w.show();
     }},
    {"watch.halves_of_a_rename",
     [](transcript& t) {
         t.mkdir("one");
         t.mkdir("two");
         t.make_file("one/a", "1");
         watcher w{t};
         w.add("one", IN_MOVED_FROM);
         w.add("two", IN_CREATE);
         t.rename("one/a", "two/a");
         w.show();
         w.add("one", IN_MOVED_TO);
         t.rename("two/a", "one/a");
         t.rename("one/a", "one/b");
         w.show();
     }},
    {"watch.directories",
     [](transcript& t) {
         watcher w{t};
         w.add(".");
         t.mkdir("sub");
         t.mkdir("sub");
         w.show();
         t.make_file("sub/inner", "unseen");
         t.list("sub");
         w.show();
         t.list(".");
         w.show();
         t.symlink("sub", "link");
         t.mkfifo("fifo");
         t.rmdir("sub");
         w.show();
         t.unlink("sub/inner");
         t.rmdir("sub");
         w.show();
     }},
    {"watch.a_directory_goes",
     [](transcript& t) {
         t.mkdir("sub");
         t.mkdir("other");
         watcher w{t};
         w.add("sub");
         w.add("other");
         t.rename("sub", "moved");
         w.show();
         t.make_file("moved/a", "x");
         t.unlink("moved/a");
         w.show();
         t.rmdir("moved");
         w.show();
         w.remove(1);
         t.mkdir("sub");
         w.add("sub");
         t.rmdir("other");
         w.show();
     }},
    {"watch.a_removed_file_that_is_open",
     [](transcript& t) {
         t.make_file("a", "content");
         const int fd = t.open("a", O_RDWR);
         watcher w{t};
         w.add("a");
         t.unlink("a");
         w.show();
         t.write(fd, "x");
         w.show();
         t.close(fd);
         w.show();
     }},
    {"watch.once",
     [](transcript& t) {
         watcher w{t};
         w.add(".", IN_CREATE | IN_ONESHOT);
         t.make_file("a", "x");
         t.make_file("b", "x");
         w.show();
         w.remove(1);
         w.add(".", IN_CREATE);
         t.make_file("c", "x");
         w.show();
     }},
    {"watch.masks_replaced_and_extended",
     [](transcript& t) {
         watcher w{t};
         w.add(".", IN_CREATE);
         w.add(".", IN_DELETE);
         t.make_file("a", "x");
         t.unlink("a");
         w.show();
         w.add(".", IN_CREATE | IN_MASK_ADD);
         t.make_file("a", "x");
         t.unlink("a");
         w.show();
         w.add(".", IN_CREATE | IN_MASK_CREATE);
         t.mkdir("sub");
         w.add("sub", IN_CREATE | IN_MASK_CREATE);
         w.add(".", IN_CREATE | IN_MASK_CREATE | IN_MASK_ADD);
         w.show();
     }},
    {"watch.one_object_one_watch",
     [](transcript& t) {
         t.make_file("a", "x");
         t.link("a", "b");
         t.symlink("a", "c");
         t.mkdir("sub");
         watcher w{t};
         w.add("a");
         w.add("b");
         w.add("c");
         w.add("sub/../a");
         const auto absolute = t.directory() + "/a";
         t.record("absolute", told(::inotify_add_watch(w.fd(), absolute.c_str(), IN_ALL_EVENTS)));
         w.add("sub");
         w.add("sub/.");
         w.add("sub//");
         t.chmod("b", 0600);
         w.show();
     }},
    {"watch.links_and_directories_only",
     [](transcript& t) {
         t.make_file("a", "x");
         t.mkdir("sub");
         t.symlink("a", "link");
         t.symlink("sub", "sublink");
         t.symlink("none", "dangling");
         watcher w{t};
         w.add("link", IN_ALL_EVENTS | IN_DONT_FOLLOW);
         w.add("link");
         w.add("dangling");
         w.add("dangling", IN_ALL_EVENTS | IN_DONT_FOLLOW);
         w.add("a", IN_ALL_EVENTS | IN_ONLYDIR);
         w.add("link", IN_ALL_EVENTS | IN_ONLYDIR);
         w.add("sublink", IN_ALL_EVENTS | IN_ONLYDIR);
         w.add("sublink", IN_ALL_EVENTS | IN_ONLYDIR | IN_DONT_FOLLOW);
         w.add("sublink/", IN_ALL_EVENTS | IN_DONT_FOLLOW);
         t.readlink("link");
         t.rename("link", "renamed");
         t.unlink("renamed");
         w.show();
     }},
    {"watch.what_cannot_be_watched",
     [](transcript& t) {
         t.make_file("a", "x");
         t.make_file("secret", "x", 0200);
         t.mkdir("closed", 0311);
         watcher w{t};
         w.add("none");
         w.add("");
         w.add("a/b");
         w.add("a/");
         w.add("secret");
         w.add("closed");
         w.add("a", 0);
         w.add("a", IN_ONESHOT);
         w.add(std::string(300, 'n'));
         w.add(std::string(5000, 'n'));
         const int fd = t.open("a", O_RDONLY);
         t.record("none", told(::inotify_add_watch(999, "a", IN_CREATE)));
         t.record("no instance", told(::inotify_add_watch(fd, "a", IN_CREATE)));
         t.record("no instance", told(::inotify_add_watch(STDIN_FILENO, "a", IN_CREATE)));
         t.record("no mask", told(::inotify_add_watch(999, "a", 0)));
         t.record("no path", told(::inotify_rm_watch(999, 1)));
         t.record("no instance", told(::inotify_rm_watch(fd, 1)));
         w.show();
     }},
    {"watch.removed_watches",
     [](transcript& t) {
         t.mkdir("one");
         t.mkdir("two");
         watcher w{t};
         w.add("one");
         w.add("two");
         t.make_file("one/a", "x");
         w.remove(1);
         t.make_file("one/b", "x");
         t.make_file("two/b", "x");
         w.show();
         w.remove(1);
         w.remove(0);
         w.remove(-1);
         w.add("one");
         w.remove(2);
         w.remove(3);
         w.show();
         w.add("two");
         t.mkdir("two/sub");
         w.show();
     }},
    {"watch.two_instances",
     [](transcript& t) {
         watcher one{t, "one: "};
         watcher two{t, "two: "};
         t.mkdir("sub");
         one.add("sub");
         one.add(".");
         two.add(".");
         t.make_file("a", "x");
         t.rename("a", "sub/a");
         one.show();
         two.show();
         one.remove(2);
         t.make_file("b", "x");
         one.show();
         two.show();
     }},
    {"watch.instances_come_and_go",
     [](transcript& t) {
         for (int i = 0; i < 5; ++i) {
             watcher w{t};
             w.add(".");
             t.mkdir("dir" + std::to_string(i));
             w.show();
         }
     }},
    {"watch.local_and_remote_in_one_queue",
     [](transcript& t) {
         std::string local = "/tmp/conformance-watch-XXXXXX";
         t.note("mkdtemp", ::mkdtemp(local.data()) != nullptr);
         watcher w{t};
         t.note("add " + std::to_string(::inotify_add_watch(w.fd(), local.c_str(), IN_CREATE)));
         w.add(".", IN_CREATE);
         t.mkdir("a");
         t.record("mkdir", told(::mkdir((local + "/b").c_str(), 0700)));
         t.mkdir("c");
         w.show();
         w.remove(1);
         w.remove(2);
         w.remove(3);
         w.show();
         ::rmdir((local + "/b").c_str());
         ::rmdir(local.c_str());
     }},
    {"watch.a_child_shares_the_descriptor",
     [](transcript& t) {
         watcher w{t};
         w.add(".");
         t.mkdir("sub");
         std::fflush(nullptr);
         const pid_t pid = ::fork();
         if (pid == 0) {
             ::inotify_add_watch(w.fd(), "sub", IN_CREATE);
             ::mkdir("sub/by_child", 0755);
             ::inotify_rm_watch(w.fd(), 1);
             ::mkdir("sub/again", 0755);
             ::_exit(0);
         }
         int status = 0;
         ::waitpid(pid, &status, 0);
         t.note("status " + std::to_string(status));
         t.mkdir("sub/by_parent");
         w.show();
     }},
    {"watch.the_last_descriptor_is_a_copy",
     [](transcript& t) {
         const int fd = ::inotify_init1(IN_NONBLOCK);
         t.record("add", told(::inotify_add_watch(fd, ".", IN_CREATE)));
         const int copy = ::dup(fd);
         ::close(fd);
         t.mkdir("a");
         std::array<char, 256> room{};
         t.record("read", told(::read(copy, room.data(), room.size())));
         t.record("add", told(::inotify_add_watch(copy, "a", IN_CREATE)));
         t.mkdir("a/b");
         t.record("read", told(::read(copy, room.data(), room.size())));
         ::close(copy);
     }},
    {"watch.by_the_old_number",
     [](transcript& t) {
         const auto fd = static_cast<int>(::syscall(SYS_inotify_init));
         t.record("add", told(::inotify_add_watch(fd, ".", IN_CREATE)));
         t.mkdir("a");
         std::array<char, 256> room{};
         t.record("read", told(::read(fd, room.data(), room.size())));
         ::close(fd);
     }},
    {"watch.readiness",
     [](transcript& t) {
         watcher w{t};
         w.add(".", IN_CREATE);
         const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
         epoll_event interest{};
         interest.events = EPOLLIN | EPOLLET;
         ::epoll_ctl(epoll, EPOLL_CTL_ADD, w.fd(), &interest);
         epoll_event ready{};
         pollfd asked{w.fd(), POLLIN, 0};
         t.record("epoll_wait", told(::epoll_wait(epoll, &ready, 1, 0)));
         t.record("poll", told(::poll(&asked, 1, 0)));
         t.mkdir("a");
         t.record("epoll_wait", told(::epoll_wait(epoll, &ready, 1, 0)));
         t.record("epoll_wait", told(::epoll_wait(epoll, &ready, 1, 0)));
         t.record("poll", told(::poll(&asked, 1, 0)));
         int bytes = -1;
         t.record("FIONREAD", told(::ioctl(w.fd(), FIONREAD, &bytes)), std::to_string(bytes));
         std::array<char, 8> too_small{};
         t.record("read", told(::read(w.fd(), too_small.data(), too_small.size())));
         w.show();
         t.record("poll", told(::poll(&asked, 1, 0)));
         t.mkdir("b");
         t.record("epoll_wait", told(::epoll_wait(epoll, &ready, 1, 0)));
         ::close(epoll);
         w.show();
     }},
    {"watch.a_blocked_reader_is_woken",
     [](transcript& t) {
         const int fd = ::inotify_init1(0);
         t.record("add", told(::inotify_add_watch(fd, ".", IN_CREATE)));
         std::array<char, 256> room{};
         ssize_t got = -1;
         std::thread reader{[&] { got = ::read(fd, room.data(), room.size()); }};
         t.mkdir("a");
         reader.join();
         t.record("read", told(got), room.data() + sizeof(inotify_event));
         ::close(fd);
     }},
    {"watch.names",
     [](transcript& t) {
         watcher w{t};
         w.add(".", IN_CREATE | IN_MOVE | IN_DELETE);
         for (const auto& path :
              {std::string(255, 'n'),
               std::string(15, 'n'),
               std::string(16, 'n'),
               std::string{"a b\n\t\x01\xff"},
               std::string{"..."},
               std::string{"aside"},
               std::string{"x"}}) {
             t.make_file(path, "");
             t.rename(path, "moved");
             t.unlink("moved");
             w.show();
         }
     }},
    {"watch.unlinked_children",
     [](transcript& t) {
         t.make_file("a", "content");
         t.make_file("b", "content");
         watcher all{t, "all: "};
         watcher linked{t, "linked: "};
         all.add(".", IN_ACCESS | IN_MODIFY);
         linked.add(".", IN_ACCESS | IN_MODIFY | IN_EXCL_UNLINK);
         const int a = t.open("a", O_RDWR);
         const int b = t.open("b", O_RDWR);
         t.unlink("a");
         t.read(a, 4);
         t.write(a, "x");
         t.read(b, 4);
         all.show();
         linked.show();
     }},
    {"watch.overflow",
     [](transcript& t) {
         std::ifstream file{"/proc/sys/fs/inotify/max_queued_events"};
         int room = 0;
         file >> room;
         t.mkdir("a");
         t.mkdir("b");
         watcher w{t};
         w.add(".", IN_ATTRIB);
         for (int i = 0; i < room + 10; ++i) {
             if (::chmod((i & 1) != 0 ? "a" : "b", 0700) != 0) {
                 t.record("chmod", told(-1));
             }
         }
         std::map<std::string, int> counts;
         std::array<char, 65536> events{};
         inotify_event head{};
         ssize_t got = 0;
         while ((got = ::read(w.fd(), events.data(), events.size())) > 0) {
             for (ssize_t at = 0; at < got; at += static_cast<ssize_t>(sizeof head + head.len)) {
                 std::memcpy(&head, events.data() + at, sizeof head);
                 ++counts[std::to_string(head.wd) + ' ' + of_mask(head.mask)];
             }
         }
         for (const auto& [event, count] : counts) {
             t.note(event + (count == room ? " as many as fit" : " " + std::to_string(count)));
         }
         t.note("the last: " + of_mask(head.mask));
         t.mkdir("c");
         t.chmod("c", 0700);
         w.show();
     }},
};

}  // namespace

case_family watch_cases() {
    return {needs::process, cases};
}

}  // namespace farside::conformance
