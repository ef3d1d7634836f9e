// Paths: every byte, every length, every way to write the same one.
#include "tests/conformance/conformance_case.hpp"

namespace farside::conformance {
namespace {

// Each call with the name, in an order in which all can succeed.
void use_everywhere(transcript& t, const std::string& file) {
    t.make_file(file, "content");
    t.stat(file);
    t.chmod(file, 0600);
    t.link(file, "other");
    t.unlink(file);
    t.rename("other", file);
    t.truncate(file, 3);
    t.access(file, W_OK);
    t.set_xattr(file, "user.a", "b");
    t.show_file(file);
    t.list(".");
    t.unlink(file);
    t.mkdir(file);
    t.make_file(file + "/" + file, "below");
    t.list(file);
    t.unlink(file + "/" + file);
    t.rmdir(file);
    t.symlink(file, file + "l");
    t.readlink(file + "l");
    t.unlink(file + "l");
}

// dir/dir/.../file, of exactly so many bytes; the directories are made.
std::string long_path(transcript& t, std::size_t bytes) {
    const std::string component(99, 'd');
    std::string path = component;
    t.api().mkdir(path, 0755);
    while (path.size() + 200 < bytes) {
        path += '/' + component;
        t.api().mkdir(path, 0755);
    }
    path += '/';
    return path + std::string(bytes - path.size(), 'f');
}

constexpr conformance_case cases[] = {
    {"path.plain_name", [](transcript& t) { use_everywhere(t, "plain"); }},
    {"path.name_with_spaces_and_quotes",
     [](transcript& t) { use_everywhere(t, " a  'b' \"c\" \\ $d `e` *?[f] "); }},
    {"path.name_with_control_bytes",
     [](transcript& t) { use_everywhere(t, "\n\t\r\x01\x1b[31m\x7f"); }},
    {"path.name_in_utf8", [](transcript& t) { use_everywhere(t, "na\xc3\xafve \xe2\x82\xac"); }},
    {"path.name_that_is_no_utf8",
     [](transcript& t) { use_everywhere(t, "\x80\x81\xfe\xff\xc3\x28"); }},
    {"path.name_with_dots",
     [](transcript& t) {
         for (const char* const it :
              {"...", ".hidden", "..two", "trailing.", "-", "~", "#", "--"}) {
             t.make_file(it, it);
             t.show_file(it);
         }
         t.list(".");
     }},
    {"path.every_byte_is_a_name",
     [](transcript& t) {
         for (int byte = 1; byte < 256; ++byte) {
             if (byte != '/' && byte != '.') {
                 t.make_file(std::string(1, static_cast<char>(byte)), "x");
             }
         }
         t.list(".");
     }},
    {"path.longest_name", [](transcript& t) { use_everywhere(t, std::string(254, 'n')); }},
    {"path.name_of_255_bytes_and_one_more",
     [](transcript& t) {
         const std::string longest(255, 'n');
         const std::string too_long(256, 'n');
         t.make_file("a", "");
         t.make_file(longest, "content");
         t.stat(longest);
         t.list(".");
         t.stat(too_long);
         t.open(too_long, O_RDONLY);
         t.open(too_long, O_CREAT | O_WRONLY, 0644);
         t.mkdir(too_long);
         t.mkfifo(too_long);
         t.symlink("x", too_long);
         t.link("a", too_long);
         t.rename("a", too_long);
         t.rename(too_long, "a");
         t.unlink(too_long);
         t.rmdir(too_long);
         t.readlink(too_long);
         t.access(too_long, F_OK);
         t.chmod(too_long, 0600);
         t.truncate(too_long, 0);
         t.get_xattr(too_long, "user.a");
         t.stat(too_long + "/below");
         t.stat("a/" + too_long);
         t.stat("missing/" + too_long);
         t.statfs(too_long);
     }},
    {"path.of_many_components",
     [](transcript& t) {
         const auto path = long_path(t, 3000);
         t.make_file(path, "deep");
         t.stat(path);
         t.show_file(path);
         t.unlink(path);
         t.mkdir(path);
         t.rmdir(path);
     }},
    {"path.longest",
     [](transcript& t) {
         // The limit is for the path as it is written: an absolute one is written longer.
         const int dir = t.open(".", O_RDONLY | O_DIRECTORY);
         t.make_file("file", "content");
         std::string path;
         while (path.size() + 6 < 4095) {
             path += "./";
         }
         path += std::string(4095 - 4 - path.size(), '/') + "file";
         t.stat(in(dir, path));
         t.show_file(in(dir, path));
         t.chmod(in(dir, path), 0600);
         path.insert(0, "/");
         path[0] = '.';
         t.stat(in(dir, path));
         t.open(in(dir, path), O_RDONLY);
         t.mkdir(in(dir, path));
         t.unlink(in(dir, path));
         t.rename(in(dir, path), in(dir, "x"));
         t.readlink(in(dir, path));
         t.list(".");
     }},
    {"path.written_in_other_ways",
     [](transcript& t) {
         t.mkdir("a");
         t.mkdir("a/b");
         t.make_file("a/b/file", "content");
         for (const char* const it :
              {"a/b/file",
               "./a/b/file",
               "a//b///file",
               "a/./b/././file",
               "a/b/../b/file",
               "a/../a/b/file",
               "./././a/b/file",
               "a/b/../../a/b/file"}) {
             t.show_file(it);
         }
         for (const char* const it : {".", "./", "./.", "a/..", "a/b/../..", ".//", "a/../."}) {
             t.note(std::string{it}, t.peek(it).inode == t.peek(".").inode);
         }
     }},
    {"path.dot_dot_needs_what_it_leaves",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_file("file", "content");
         t.stat("missing/../file");
         t.stat("file/../file");
         t.stat("file/.");
         t.stat("dir/../file");
         t.open("missing/../new", O_CREAT | O_WRONLY, 0644);
         t.mkdir("missing/../new");
         t.unlink("missing/../file");
         t.list("file/..");
         t.list(".");
     }},
    {"path.above_and_back",
     [](transcript& t) {
         t.make_file("file", "content");
         t.mkdir("dir");
         t.note("same", t.peek("..").inode == t.peek("dir/../..").inode);
         t.note("another", t.peek("..").inode != t.peek(".").inode);
         t.stat("../none of this name");
     }},
};

}  // namespace

case_family path_cases() {
    return {needs::nothing, cases};
}

}  // namespace farside::conformance
