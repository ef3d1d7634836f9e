// Extended attributes.
#include "tests/conformance/conformance_case.hpp"

#include <sys/xattr.h>

namespace farside::conformance {
namespace {

using namespace std::string_view_literals;

constexpr conformance_case cases[] = {
    {"xattr.set_get_list_remove",
     [](transcript& t) {
         t.make_file("a", "");
         t.list_xattr("a");
         t.set_xattr("a", "user.one", "1");
         t.get_xattr("a", "user.one");
         t.list_xattr("a");
         t.set_xattr("a", "user.one", "another value");
         t.get_xattr("a", "user.one");
         t.remove_xattr("a", "user.one");
         t.get_xattr("a", "user.one");
         t.list_xattr("a");
     }},
    {"xattr.several_are_listed_each_once",
     [](transcript& t) {
         t.make_file("a", "");
         for (const char* const key : {"user.a", "user.bb", "user.ccc"}) {
             t.set_xattr("a", key, key);
         }
         // Their order is the file system's.
         t.note("length " + std::to_string(t.api().list_xattr("a", 0, {})));
         for (const char* const key : {"user.a", "user.bb", "user.ccc"}) {
             t.get_xattr("a", key);
         }
     }},
    {"xattr.values_are_bytes",
     [](transcript& t) {
         t.make_file("a", "");
         t.set_xattr("a", "user.zero", "with\0zero\xff"sv);
         t.get_xattr("a", "user.zero");
         t.set_xattr("a", "user.empty", "");
         t.get_xattr("a", "user.empty");
         t.set_xattr("a", "user.name with \xff bytes\n", "v");
         t.get_xattr("a", "user.name with \xff bytes\n");
     }},
    {"xattr.room_for_the_value",
     [](transcript& t) {
         t.make_file("a", "");
         t.set_xattr("a", "user.a", "12345");
         t.get_xattr("a", "user.a", 0);
         t.get_xattr("a", "user.a", 4);
         t.get_xattr("a", "user.a", 5);
         t.get_xattr("a", "user.a", 6);
         t.list_xattr("a", 0);
         t.list_xattr("a", 6);
         t.list_xattr("a", 7);
     }},
    {"xattr.create_and_replace",
     [](transcript& t) {
         t.make_file("a", "");
         t.set_xattr("a", "user.a", "1", XATTR_REPLACE);
         t.set_xattr("a", "user.a", "1", XATTR_CREATE);
         t.set_xattr("a", "user.a", "2", XATTR_CREATE);
         t.set_xattr("a", "user.a", "3", XATTR_REPLACE);
         t.set_xattr("a", "user.a", "4", 8);
         t.get_xattr("a", "user.a");
     }},
    {"xattr.refuses",
     [](transcript& t) {
         t.make_file("a", "");
         t.get_xattr("a", "user.none");
         t.remove_xattr("a", "user.none");
         t.get_xattr("none", "user.a");
         t.set_xattr("none", "user.a", "x");
         t.list_xattr("none");
         t.remove_xattr("none", "user.a");
         t.get_xattr("a/", "user.a");
         t.get_xattr("", "user.a");
         t.set_xattr("a", "", "x");
         t.get_xattr("a", "");
         t.remove_xattr("a", "");
         t.set_xattr("a", "user.", "x");
         t.set_xattr("a", "nonsense.a", "x");
         t.get_xattr("a", "nonsense.a");
         t.set_xattr("a", "noprefix", "x");
         t.remove_xattr("a", "noprefix");
     }},
    {"xattr.limits",
     [](transcript& t) {
         t.make_file("a", "");
         const std::string longest = "user." + std::string(250, 'k');
         t.set_xattr("a", longest, "v");
         t.get_xattr("a", longest);
         t.set_xattr("a", longest + 'k', "v");
         t.get_xattr("a", longest + 'k');
         t.remove_xattr("a", longest + 'k');
         t.make_file("b", "");
         t.set_xattr("b", "user.big", text::pattern(2000));
         t.get_xattr("b", "user.big");
         t.make_file("c", "");
         t.set_xattr("c", "user.too_big", std::string(65537, 'x'));
         t.list_xattr("c");
     }},
    {"xattr.by_descriptor",
     [](transcript& t) {
         t.make_file("a", "");
         const int fd = t.open("a", O_RDONLY);
         t.set_xattr(in(fd, ""), "user.a", "1");
         t.get_xattr(in(fd, ""), "user.a");
         t.list_xattr(in(fd, ""));
         t.get_xattr("a", "user.a");
         t.remove_xattr(in(fd, ""), "user.a");
         t.get_xattr(in(fd, ""), "user.a");
         t.get_xattr(in(-1, ""), "user.a");
         t.unlink("a");
         t.set_xattr(in(fd, ""), "user.b", "after unlink");
         t.get_xattr(in(fd, ""), "user.b");
     }},
    {"xattr.of_directories_links_and_nodes",
     [](transcript& t) {
         t.mkdir("dir");
         t.symlink("dir", "link");
         t.symlink("none", "dangling");
         t.mkfifo("fifo");
         t.set_xattr("link", "user.a", "1");
         t.get_xattr("dir", "user.a");
         t.set_xattr("link", "user.b", "2", 0, AT_SYMLINK_NOFOLLOW);
         t.get_xattr("link", "user.a", 100, AT_SYMLINK_NOFOLLOW);
         t.list_xattr("link", 100, AT_SYMLINK_NOFOLLOW);
         t.remove_xattr("link", "user.a", AT_SYMLINK_NOFOLLOW);
         t.set_xattr("dangling", "user.a", "1");
         t.list_xattr("dangling", 100, AT_SYMLINK_NOFOLLOW);
         t.set_xattr("fifo", "user.a", "1");
         t.get_xattr("fifo", "user.a");
         t.set_xattr(in(t.open("dir", O_RDONLY), ""), "user.c", "3");
         t.get_xattr("dir/", "user.c");
     }},
    {"xattr.of_other_namespaces",
     [](transcript& t) {
         t.make_file("a", "");
         t.set_xattr("a", "trusted.a", "1");
         t.get_xattr("a", "trusted.a");
         t.set_xattr("a", "security.a", "1");
         t.get_xattr("a", "security.a");
         t.get_xattr("a", "system.posix_acl_access");
         t.set_xattr("a", "system.nonsense", "1");
         t.get_xattr("a", "security.capability");
     }},
    {"xattr.stays_with_the_file",
     [](transcript& t) {
         t.make_file("a", "");
         t.set_xattr("a", "user.a", "1");
         t.rename("a", "b");
         t.link("b", "c");
         t.get_xattr("c", "user.a");
         t.make_file("b2", "");
         t.rename("b2", "b");
         t.get_xattr("b", "user.a");
         t.get_xattr("c", "user.a");
     }},
};

}  // namespace

case_family xattr_cases() {
    return {needs::nothing, cases};
}

}  // namespace farside::conformance
