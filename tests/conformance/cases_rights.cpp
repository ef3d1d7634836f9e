// Rights where they are decided by more than a mode: sticky and set-group-id directories, classes
// of users, access control lists, times that a writer may set. Made by the tester, used by both.
#include "tests/conformance/conformance_case.hpp"

#include <array>
#include <cstring>
#include <tuple>

#include <sys/xattr.h>

namespace farside::conformance {
namespace {

constexpr moment now{0, UTIME_NOW};
constexpr moment omit{0, UTIME_OMIT};
constexpr unsigned nobody = 65534;
constexpr unsigned some_group = 4242;

// struct posix_acl_xattr_header and _entry, little-endian.
struct acl_entry {
    std::uint16_t tag;
    std::uint16_t rights;
    std::uint32_t id;
};

constexpr std::uint16_t acl_owner = 1;
constexpr std::uint16_t acl_user = 2;
constexpr std::uint16_t acl_owning_group = 4;
constexpr std::uint16_t acl_mask = 16;
constexpr std::uint16_t acl_others = 32;
constexpr std::uint32_t no_id = ~0U;
constexpr const char* acl_access = "system.posix_acl_access";
constexpr const char* acl_default = "system.posix_acl_default";

std::string acl(const std::vector<acl_entry>& entries) {
    const std::uint32_t version = 2;
    std::string made(sizeof version + entries.size() * sizeof(acl_entry), '\0');
    std::memcpy(made.data(), &version, sizeof version);
    if (!entries.empty()) {
        const auto bytes = entries.size() * sizeof(acl_entry);
        std::memcpy(made.data() + sizeof version, entries.data(), bytes);
    }
    return made;
}

// Owner and group as told, one named user, the mask, others.
std::string acl_with_user(std::uint32_t user, std::uint16_t rights, std::uint16_t mask) {
    return acl(
        {{acl_owner, 7, no_id},
         {acl_user, rights, user},
         {acl_owning_group, 5, no_id},
         {acl_mask, mask, no_id},
         {acl_others, 0, no_id}}
    );
}

void give(transcript& t, const std::string& at, unsigned uid, unsigned gid, unsigned mode) {
    t.chown(at, uid, gid);
    t.chmod(at, mode);
}

void prepare_sticky(transcript& t) {
    t.mkdir("sticky");
    t.make_file("sticky/file", "");
    t.mkdir("sticky/dir");
    t.make_file("sticky/open_to_all", "content");
    give(t, "sticky/file", 0, 0, 0644);
    give(t, "sticky/open_to_all", 0, 0, 0666);
    give(t, "sticky/dir", 0, 0, 0777);
    give(t, "sticky", 0, 0, 01777);
    t.make_file("of_root", "");
    t.mkdir("dir_of_root");
    give(t, "of_root", 0, 0, 0600);
    give(t, "dir_of_root", 0, 0, 0700);
    t.chmod(".", 01755);
}

void prepare_group_directory(transcript& t) {
    t.mkdir("shared");
    give(t, "shared", 0, some_group, 02777);
    t.mkdir("plain");
    give(t, "plain", 0, some_group, 0777);
}

void prepare_classes(transcript& t) {
    for (const unsigned mode : {0604U, 0640U, 0077U, 0460U, 0006U, 0060U, 0222U, 0111U}) {
        for (const auto& [word, uid, gid] :
             {std::tuple{"owner", nobody, 0U},
              std::tuple{"group", 0U, nobody},
              std::tuple{"other", 0U, 0U}}) {
            const auto file = word + text::octal(mode);
            t.make_file(file, "content");
            give(t, file, uid, gid, mode);
        }
    }
}

void prepare_times(transcript& t) {
    t.make_file("writable", "content");
    t.make_file("readable", "content");
    t.make_file("sealed", "content");
    give(t, "writable", 0, 0, 0666);
    give(t, "readable", 0, 0, 0644);
    give(t, "sealed", 0, 0, 0600);
    for (const char* const it : {"writable", "readable", "sealed"}) {
        t.utimens(it, {1'000'000'000, 0}, {1'000'000'000, 0});
    }
}

void prepare_directories(transcript& t) {
    for (const unsigned mode : {0711U, 0744U, 0722U, 0733U, 0700U}) {
        const auto dir = "dir" + text::octal(mode);
        t.mkdir(dir);
        t.make_file(dir + "/file", "content");
        t.mkdir(dir + "/sub");
        give(t, dir + "/file", 0, 0, 0666);
        give(t, dir + "/sub", 0, 0, 0777);
        give(t, dir, 0, 0, mode);
    }
}

void prepare_acl(transcript& t) {
    t.make_file("granted", "content");
    t.make_file("masked", "content");
    t.make_file("refused", "content");
    for (const char* const it : {"granted", "masked", "refused"}) {
        give(t, it, 0, 0, 0644);
    }
    t.set_xattr("granted", acl_access, acl_with_user(nobody, 6, 7));
    t.set_xattr("masked", acl_access, acl_with_user(nobody, 6, 4));
    t.set_xattr("refused", acl_access, acl_with_user(nobody, 0, 7));
}

constexpr conformance_case cases[] = {
    {"rights.in_a_sticky_directory",
     [](transcript& t) {
         t.make_file("sticky/own", "own");
         t.mkdir("sticky/own_dir");
         t.rmdir("sticky/dir");
         t.rename("sticky/own_dir", "sticky/dir");
         t.rename("sticky/dir", "sticky/moved");
         t.rename("sticky/own", "sticky/open_to_all");
         t.rename("sticky/own", "sticky/file", RENAME_EXCHANGE);
         t.rename("sticky/open_to_all", "moved_out");
         t.link("sticky/open_to_all", "sticky/linked");
         t.link("sticky/file", "sticky/linked_too");
         t.open("sticky/open_to_all", O_CREAT | O_WRONLY | O_TRUNC, 0644);
         t.make_file("sticky/dir/new", "");
         t.chmod("sticky", 0777);
         t.set_xattr("sticky", "user.a", "b");
         t.list("sticky");
     },
     prepare_sticky},
    {"rights.of_the_owner_of_a_sticky_directory",
     [](transcript& t) {
         t.stat(".");
         t.rename("of_root", "renamed");
         t.unlink("renamed");
         t.rename("dir_of_root", "renamed_dir");
         t.rmdir("renamed_dir");
         t.list(".");
     },
     prepare_sticky},
    {"rights.group_of_what_is_made_in_a_shared_directory",
     [](transcript& t) {
         for (const std::string dir : {"shared", "plain"}) {
             t.umask(0);
             t.make_file(dir + "/file", "", 0664);
             t.make_file(dir + "/program", "", 02775);
             t.make_file(dir + "/no_program", "", 02664);
             t.mkdir(dir + "/dir", 0775);
             t.mkdir(dir + "/dir/dir", 0700);
             t.make_file(dir + "/dir/file", "");
             t.mkfifo(dir + "/fifo", 0666);
             t.mknod(dir + "/node", S_IFREG | 02755);
             t.symlink("file", dir + "/link");
             const int nameless = t.open(dir, O_TMPFILE | O_RDWR, 02770);
             t.fstat(nameless);
             t.umask(022);
             for (const char* const it :
                  {"file",
                   "program",
                   "no_program",
                   "dir",
                   "dir/dir",
                   "dir/file",
                   "fifo",
                   "node",
                   "link"}) {
                 t.lstat(dir + '/' + it);
             }
             t.chmod(dir + "/file", 02775);
             t.stat(dir + "/file");
             t.rename(dir + "/file", "moved_out");
             t.stat("moved_out");
             t.unlink("moved_out");
         }
     },
     prepare_group_directory},
    {"rights.by_class_of_user",
     [](transcript& t) {
         for (const unsigned mode : {0604U, 0640U, 0077U, 0460U, 0006U, 0060U, 0222U, 0111U}) {
             for (const char* const word : {"owner", "group", "other"}) {
                 const auto file = word + text::octal(mode);
                 t.stat(file);
                 t.close(t.open(file, O_RDONLY));
                 t.close(t.open(file, O_WRONLY | O_APPEND));
                 t.close(t.open(file, O_RDWR));
                 t.access(file, R_OK);
                 t.access(file, W_OK);
                 t.access(file, X_OK, AT_EACCESS);
                 t.truncate(file, 5);
                 t.list_xattr(file);
             }
         }
     },
     prepare_classes},
    {"rights.to_change_owner_and_mode_by_class",
     [](transcript& t) {
         for (const char* const it : {"owner0640", "group0640", "other0604"}) {
             t.chown(it, ~0U, nobody);
             t.chown(it, nobody, ~0U);
             t.chown(it, ~0U, some_group);
             t.chmod(it, 06711);
             t.stat(it);
             const int fd = t.open(it, O_PATH);
             t.chown(in(fd, ""), 0, 0, AT_EMPTY_PATH);
             t.stat(it);
         }
     },
     prepare_classes},
    {"rights.times_that_a_writer_may_set",
     [](transcript& t) {
         for (const char* const it : {"writable", "readable", "sealed"}) {
             for (const moment& accessed : {omit, now, moment{5, 5}}) {
                 for (const moment& modified : {omit, now, moment{6, 6}}) {
                     t.utimens(it, accessed, modified);
                 }
             }
             const int fd = t.open(it, O_RDONLY);
             t.futimens(fd, now, now);
             t.futimens(fd, omit, omit);
             t.futimens(fd, {1, 1}, omit);
             const int path = t.open(it, O_PATH);
             t.utimens(in(path, ""), now, now, AT_EMPTY_PATH);
             t.note("modified " + std::to_string(t.peek(it).modified.seconds < 1'500'000'000));
         }
     },
     prepare_times},
    {"rights.directories_of_every_mode",
     [](transcript& t) {
         for (const unsigned mode : {0711U, 0744U, 0722U, 0733U, 0700U}) {
             const auto dir = "dir" + text::octal(mode);
             t.list(dir);
             t.show_file(dir + "/file");
             t.list(dir + "/sub");
             t.make_file(dir + "/new", "");
             t.make_file(dir + "/sub/new", "");
             t.rename(dir + "/file", dir + "/sub/file");
             t.unlink(dir + "/new");
             t.open(dir + "/none", O_RDONLY);
             t.open(dir + "/none", O_CREAT | O_EXCL | O_RDWR, 0600);
             t.open(dir, O_TMPFILE | O_RDWR, 0600);
             const int path = t.open(dir, O_PATH);
             t.stat(in(path, "file"));
             t.open(in(path, "sub"), O_RDONLY);
             t.statfs(dir + "/sub");
             t.mkdir(dir + "/sub/../newdir");
         }
     },
     prepare_directories},
    {"rights.attributes_of_files_of_others",
     [](transcript& t) {
         for (const char* const it : {"writable", "readable", "sealed"}) {
             for (const char* const key : {"user.a", "trusted.a", "security.a"}) {
                 t.set_xattr(it, key, "value");
                 t.get_xattr(it, key);
                 t.remove_xattr(it, key);
             }
             t.list_xattr(it);
             t.set_xattr(it, acl_access, acl_with_user(nobody, 7, 7));
             t.get_xattr(it, acl_access);
         }
     },
     prepare_times},
    {"rights.to_make_hard_links",
     [](transcript& t) {
         for (const char* const it : {"writable", "readable", "sealed"}) {
             t.link(it, std::string{it} + "_2");
             const int fd = t.open(it, O_PATH);
             t.link(in(fd, ""), std::string{it} + "_3", AT_EMPTY_PATH);
         }
         t.make_file("own", "", 0);
         t.link("own", "own_2");
         t.chmod("own", 06755);
         t.link("own", "own_3");
         t.list(".");
     },
     prepare_times},
    {"acl.default_is_inherited",
     [](transcript& t) {
         t.mkdir("dir");
         t.set_xattr("dir", acl_default, acl_with_user(1234, 6, 6));
         t.umask(077);
         t.make_file("dir/file", "", 0666);
         t.make_file("dir/sealed", "", 0600);
         t.mkdir("dir/sub", 0777);
         t.mkfifo("dir/fifo", 0666);
         t.symlink("file", "dir/link");
         const int nameless = t.open("dir", O_TMPFILE | O_RDWR, 0666);
         t.umask(022);
         t.fstat(nameless);
         t.get_xattr(in(nameless, ""), acl_access);
         for (const char* const it : {"dir/file", "dir/sealed", "dir/sub", "dir/fifo", "dir"}) {
             t.stat(it);
             t.get_xattr(it, acl_access);
             t.get_xattr(it, acl_default);
         }
         t.lstat("dir/link");
         t.remove_xattr("dir", acl_default);
         t.make_file("dir/later", "", 0666);
         t.stat("dir/later");
     }},
    {"acl.and_mode_change_each_other",
     [](transcript& t) {
         t.make_file("a", "", 0640);
         t.get_xattr("a", acl_access);
         t.set_xattr("a", acl_access, acl_with_user(1234, 7, 6));
         t.stat("a");
         t.chmod("a", 0710);
         t.get_xattr("a", acl_access);
         t.set_xattr(
             "a",
             acl_access,
             acl({{acl_owner, 6, no_id}, {acl_owning_group, 4, no_id}, {acl_others, 0, no_id}})
         );
         t.stat("a");
         t.get_xattr("a", acl_access);
         t.set_xattr("a", acl_access, acl_with_user(1234, 7, 7));
         t.remove_xattr("a", acl_access);
         t.stat("a");
         t.remove_xattr("a", acl_access);
     }},
    {"acl.refuses",
     [](transcript& t) {
         t.make_file("a", "");
         t.mkdir("dir");
         t.symlink("a", "link");
         t.set_xattr("a", acl_default, acl_with_user(1234, 6, 6));
         t.set_xattr("a", acl_access, "nonsense");
         t.set_xattr("a", acl_access, acl_with_user(1234, 6, 6).substr(0, 20));
         t.set_xattr("a", acl_access, acl({{acl_owner, 6, no_id}}));
         t.set_xattr("a", acl_access, acl({{acl_user, 6, 1}, {acl_owner, 6, no_id}}));
         t.set_xattr("a", acl_access, acl({}));
         t.set_xattr("a", acl_access, "");
         t.set_xattr("dir", acl_default, "");
         t.set_xattr("link", acl_access, acl_with_user(1, 6, 6), 0, AT_SYMLINK_NOFOLLOW);
         t.get_xattr("link", acl_access, 100, AT_SYMLINK_NOFOLLOW);
         t.set_xattr("a", acl_access, acl_with_user(1, 6, 6), XATTR_REPLACE);
         t.set_xattr("a", acl_access, acl_with_user(1, 6, 6), XATTR_CREATE);
         t.get_xattr("a", acl_access, 10);
         t.get_xattr("a", acl_access, 0);
         t.stat("a");
     }},
    {"acl.decides",
     [](transcript& t) {
         for (const char* const it : {"granted", "masked", "refused"}) {
             t.stat(it);
             t.close(t.open(it, O_RDONLY));
             t.close(t.open(it, O_WRONLY));
             t.access(it, R_OK);
             t.access(it, W_OK);
             t.access(it, X_OK);
             t.get_xattr(it, acl_access);
             t.list_xattr(it, 0);
         }
     },
     prepare_acl},
};

}  // namespace

case_family rights_cases() {
    return {needs::nothing, cases};
}

}  // namespace farside::conformance
