// Ways to end a path, and links inside it: a trailing slash, "." and ".." as the last component,
// links of every length and number, each asked of every call that takes a path.
#include "tests/conformance/conformance_case.hpp"

namespace farside::conformance {
namespace {

// Calls that look a file up and leave it where it is.
void look_up_everywhere(transcript& t, const std::string& path) {
    t.stat(path);
    t.lstat(path);
    t.statx(path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS);
    t.access(path, F_OK);
    t.access(path, F_OK, AT_SYMLINK_NOFOLLOW);
    t.readlink(path);
    t.close(t.open(path, O_PATH));
    t.close(t.open(path, O_PATH | O_NOFOLLOW));
    t.close(t.open(path, O_RDONLY | O_NONBLOCK));
    t.chmod(path, 0750);
    t.chown(path, ~0U, ~0U);
    t.chown(path, ~0U, ~0U, AT_SYMLINK_NOFOLLOW);
    t.utimens(path, {1, 2}, {3, 4});
    t.utimens(path, {1, 2}, {3, 4}, AT_SYMLINK_NOFOLLOW);
    t.truncate(path, 3);
    t.get_xattr(path, "user.none");
    t.list_xattr(path, 1000, AT_SYMLINK_NOFOLLOW);
    t.statfs(path);
}

// Calls that make the name or take it away.
void change_everywhere(transcript& t, const std::string& path) {
    t.mkdir(path);
    t.mkfifo(path);
    t.mknod(path, S_IFREG | 0600);
    t.symlink("x", path);
    t.link("witness", path);
    t.link(path, "linked");
    t.rename("witness", path);
    t.rename(path, "renamed");
    t.rename("witness", path, RENAME_NOREPLACE);
    t.rename("witness", path, RENAME_EXCHANGE);
    t.unlink(path);
    t.rmdir(path);
    t.open(path, O_CREAT | O_WRONLY, 0600);
    t.open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
    t.open(path, O_TMPFILE | O_RDWR, 0600);
    t.list(".");
}

void make_kinds(transcript& t) {
    t.make_file("witness", "witness");
    t.make_file("file", "content");
    t.mkdir("dir");
    t.make_file("dir/below", "below");
    t.symlink("file", "link_to_file");
    t.symlink("dir", "link_to_dir");
    t.symlink("nowhere", "dangling");
    t.symlink("loop", "loop");
}

// link0 -> ending, link1 -> link0, ...: link N-1 takes N steps to the ending.
void make_chain(transcript& t, const std::string& beginning, const std::string& ending, int count) {
    std::string target = ending;
    for (int i = 0; i < count; ++i) {
        const auto link = beginning + std::to_string(i);
        t.api().symlink(target, link);
        target = link;
    }
}

constexpr const char* kinds[] = {
    "file", "dir", "link_to_file", "link_to_dir", "dangling", "loop", "missing"};

constexpr conformance_case cases[] = {
    {"path_form.looking_up_with_a_trailing_slash",
     [](transcript& t) {
         make_kinds(t);
         for (const char* const it : kinds) {
             look_up_everywhere(t, it + std::string{"/"});
         }
         t.show_file("file");
     }},
    {"path_form.looking_up_a_last_dot",
     [](transcript& t) {
         make_kinds(t);
         for (const char* const it : kinds) {
             look_up_everywhere(t, it + std::string{"/."});
         }
     }},
    {"path_form.looking_up_a_last_dot_dot",
     [](transcript& t) {
         make_kinds(t);
         for (const char* const it : kinds) {
             look_up_everywhere(t, it + std::string{"/.."});
         }
     }},
    {"path_form.changing_names_with_a_trailing_slash",
     [](transcript& t) {
         make_kinds(t);
         for (const char* const it : {"file/", "link_to_file/", "dangling/", "loop/"}) {
             change_everywhere(t, it);
         }
     }},
    {"path_form.changing_names_of_directories_with_a_trailing_slash",
     [](transcript& t) {
         make_kinds(t);
         for (const char* const it : {"dir/", "link_to_dir/", "dir//"}) {
             change_everywhere(t, it);
         }
         t.list("dir");
     }},
    {"path_form.changing_a_last_dot_or_dot_dot",
     [](transcript& t) {
         make_kinds(t);
         for (const char* const it :
              {".", "..", "dir/.", "dir/..", "file/.", "file/..", "missing/.", "missing/.."}) {
             change_everywhere(t, it);
         }
     }},
    {"path_form.making_directories_with_slashes",
     [](transcript& t) {
         t.symlink("made_through", "dangling");
         t.mkdir("one/");
         t.mkdir("two///");
         t.mkdir("./three/");
         t.mkdir("one/../four/");
         t.mkdir("dangling/");
         t.mkdir("dangling");
         t.rename("one/", "five/");
         t.rename("two", "six/");
         t.rmdir("six//");
         t.rmdir("./five/");
         t.list(".");
     }},
    {"path_form.links_are_counted_over_the_whole_path",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_file("dir/file", "content");
         make_chain(t, "d", "dir", 40);
         make_chain(t, "dir/f", "file", 25);
         for (const char* const it :
              {"d38/file",
               "d39/file",
               "d14/f24",
               "d15/f23",
               "d15/f24",
               "d39/f0",
               "d19/../d19/file",
               "d19/../d20/file"}) {
             t.stat(it);
             t.lstat(it);
             t.close(t.open(it, O_RDONLY));
             t.close(t.open(it, O_RDONLY | O_NOFOLLOW));
         }
         t.open("d39/f0", O_CREAT | O_WRONLY, 0600);
         t.readlink("d39/f0");
         t.readlink("d39/f1");
         t.rename("d39/f0", "d39/g");
         t.list("dir");
     }},
    {"path_form.one_link_more_than_the_limit",
     [](transcript& t) {
         t.make_file("file", "content");
         make_chain(t, "l", "file", 42);
         for (const char* const it : {"l38", "l39", "l40", "l41"}) {
             t.show_file(it);
             t.lstat(it);
             t.chmod(it, 0600);
             t.truncate(it, 7);
             t.access(it, R_OK);
             t.link(it, std::string{"hard_"} + it, AT_SYMLINK_FOLLOW);
             t.get_xattr(it, "user.none");
         }
         t.stat("l40/");
     }},
    {"path_form.targets_in_every_form",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_file("dir/file", "content");
         for (const char* const target :
              {"dir//file",
               "./dir/file",
               "dir/../dir/file",
               "dir/./file",
               "dir/file/",
               "dir/",
               "dir/.",
               "dir/..",
               ".",
               "./",
               "file/below",
               "dir/file/.."}) {
             t.symlink(target, "link");
             t.readlink("link");
             t.stat("link");
             t.stat("link/");
             t.stat("link/file");
             t.lstat("link");
             t.unlink("link");
         }
     }},
    {"path_form.targets_of_every_byte",
     [](transcript& t) {
         std::string all;
         for (int byte = 1; byte < 256; ++byte) {
             all += static_cast<char>(byte);
         }
         t.symlink(all, "link");
         t.readlink("link");
         t.lstat("link");
         t.stat("link");
         t.readlink("link", 254);
         t.readlink("link", 1);
         const std::string name = "\x01 \n\t\"\\'%s\xff\x80";
         t.make_file(name, "content");
         t.symlink(name, "to_odd_name");
         t.show_file("to_odd_name");
         t.symlink(name + "/below", "below_odd_name");
         t.stat("below_odd_name");
     }},
    {"path_form.long_names_behind_links",
     [](transcript& t) {
         const std::string longest(255, 'n');
         t.make_file(longest, "content");
         t.symlink(longest, "fits");
         t.symlink(longest + 'n', "does_not_fit");
         t.symlink("./" + std::string(4000, '/') + longest.substr(0, 80), "long_target");
         for (const char* const it : {"fits", "does_not_fit", "long_target"}) {
             t.stat(it);
             t.lstat(it);
             t.open(it, O_CREAT | O_WRONLY, 0600);
             t.access(it, F_OK);
         }
         t.list(".");
     }},
    {"path_form.links_that_lead_up_and_down",
     [](transcript& t) {
         t.mkdir("a");
         t.mkdir("a/b");
         t.make_file("a/b/file", "deep");
         t.make_file("file", "shallow");
         t.symlink("..", "a/b/up");
         t.symlink("a/b", "down");
         t.symlink("down/up/up_too", "twice");
         t.symlink("..", "a/up_too");
         for (const char* const it :
              {"down/file",
               "down/../file",
               "down/up/b/file",
               "twice/file",
               "twice/a/up_too/file",
               "down/up/../file",
               "twice/down/up/b/up/b/file"}) {
             t.show_file(it);
         }
         t.rename("down/up/b/file", "twice/moved");
         t.list(".");
     }},
};

}  // namespace

case_family path_form_cases() {
    return {needs::nothing, cases};
}

}  // namespace farside::conformance
