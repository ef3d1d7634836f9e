// Values and lists of extended attributes: every size of room, many at once, every way to refuse.
#include "tests/conformance/conformance_case.hpp"

#include <algorithm>

#include <sys/xattr.h>

namespace farside::conformance {
namespace {

// In an order of ours: the list's own is the file system's.
void show_keys(transcript& t, const name& at) {
    std::string names(65'536, '\0');
    const auto got = t.api().list_xattr(at, 0, names);
    std::vector<std::string> keys;
    for (std::size_t start = 0; got > 0 && start < static_cast<std::size_t>(got);) {
        keys.emplace_back(names.c_str() + start);
        start += keys.back().size() + 1;
    }
    std::ranges::sort(keys);
    t.record("keys of " + t.of(at), got);
    for (const auto& key : keys) {
        t.note("  " + text::shortened(key));
    }
}

constexpr conformance_case cases[] = {
    {"xattr_value.room_of_every_size",
     [](transcript& t) {
         t.make_file("a", "");
         for (const std::size_t size : {0UL, 1UL, 100UL, 1000UL, 3000UL}) {
             t.set_xattr("a", "user.value", text::pattern(size));
             for (const std::size_t room : {0UL, 1UL, size - 1, size, size + 1, 65'536UL}) {
                 if (room <= 65'536) {
                     t.get_xattr("a", "user.value", room);
                 }
             }
             t.list_xattr("a", 10);
             t.list_xattr("a", 11);
             t.list_xattr("a", 12);
         }
     }},
    {"xattr_value.many_keys",
     [](transcript& t) {
         t.make_file("a", "");
         for (int i = 0; i < 40; ++i) {
             t.set_xattr("a", "user.key" + std::to_string(i), std::to_string(i));
         }
         show_keys(t, "a");
         for (int i = 0; i < 40; i += 3) {
             t.remove_xattr("a", "user.key" + std::to_string(i));
         }
         show_keys(t, "a");
         t.get_xattr("a", "user.key1");
         t.get_xattr("a", "user.key3");
     }},
    {"xattr_value.until_there_is_no_room",
     [](transcript& t) {
         t.make_file("a", "");
         for (const std::size_t size : {1000UL, 2000UL, 4000UL, 20'000UL, 65'536UL, 65'537UL}) {
             const auto key = "user.of_" + std::to_string(size);
             t.set_xattr("a", key, std::string(size, 'v'));
             t.get_xattr("a", key);
         }
         show_keys(t, "a");
     }},
    {"xattr_value.replaced_by_longer_and_shorter",
     [](transcript& t) {
         t.make_file("a", "");
         for (const std::size_t size : {10UL, 1500UL, 3UL, 0UL, 700UL}) {
             t.set_xattr("a", "user.a", text::pattern(size), size == 10 ? 0 : XATTR_REPLACE);
             t.get_xattr("a", "user.a");
             t.set_xattr("a", "user.a", "not this", XATTR_CREATE);
         }
         t.set_xattr("a", "user.a", "both", XATTR_CREATE | XATTR_REPLACE);
         t.set_xattr("a", "user.b", "both", XATTR_CREATE | XATTR_REPLACE);
         t.remove_xattr("a", "user.a");
         t.remove_xattr("a", "user.a");
         show_keys(t, "a");
     }},
    {"xattr_value.survives_what_happens_to_the_file",
     [](transcript& t) {
         t.make_file("a", "content");
         t.set_xattr("a", "user.a", "kept");
         t.truncate("a", 0);
         t.chmod("a", 0600);
         const int fd = t.open("a", O_RDWR | O_TRUNC);
         t.write(fd, "new content");
         t.get_xattr(in(fd, ""), "user.a");
         t.make_old("a");
         t.set_xattr("a", "user.b", "2");
         t.show_renewed("a");
         t.make_file("copy", "");
         t.copy_file_range(fd, 0, t.open("copy", O_WRONLY), 0, 100);
         show_keys(t, "copy");
         t.link("a", "b");
         t.unlink("a");
         show_keys(t, "b");
     }},
    {"xattr_value.of_descriptors_of_every_kind",
     [](transcript& t) {
         t.make_file("a", "");
         t.mkdir("dir");
         t.mkfifo("fifo");
         for (const int fd :
              {t.open("a", O_WRONLY),
               t.open("a", O_RDONLY),
               t.open("a", O_PATH),
               t.open("dir", O_RDONLY),
               t.open("dir", O_PATH),
               t.open("fifo", O_RDWR | O_NONBLOCK),
               -1}) {
             t.set_xattr(in(fd, ""), "user.a", "1");
             t.get_xattr(in(fd, ""), "user.a");
             t.get_xattr(in(fd, ""), "user.none", 0);
             t.list_xattr(in(fd, ""));
             t.remove_xattr(in(fd, ""), "user.a");
         }
     }},
    {"xattr_value.keys_that_are_none",
     [](transcript& t) {
         t.make_file("a", "");
         for (const std::string key :
              {"user",
               "user.",
               "USER.a",
               ".a",
               "user..",
               "user.a.b",
               "trusted",
               "trusted.",
               "security.",
               "system.",
               "system.a",
               "a",
               "u",
               ".",
               "\xff\xfe",
               "user.\x01"}) {
             t.set_xattr("a", key, "1");
             t.get_xattr("a", key);
             t.remove_xattr("a", key);
         }
         show_keys(t, "a");
     }},
};

}  // namespace

case_family xattr_value_cases() {
    return {needs::nothing, cases};
}

}  // namespace farside::conformance
