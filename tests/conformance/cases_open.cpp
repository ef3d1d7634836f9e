// Opening: what exists, what is made, with which mode, and what refuses.
#include "tests/conformance/conformance_case.hpp"

namespace farside::conformance {
namespace {

constexpr conformance_case cases[] = {
    {"open.missing_file_is_not_found",
     [](transcript& t) {
         t.open("none", O_RDONLY);
         t.open("none", O_WRONLY);
         t.open("none", O_RDWR | O_TRUNC);
         t.open("none/below", O_RDONLY);
         t.list(".");
     }},
    {"open.creates_an_empty_file",
     [](transcript& t) {
         const int fd = t.open("new", O_CREAT | O_WRONLY, 0644);
         t.fstat(fd);
         t.close(fd);
         t.stat("new");
         t.list(".");
     }},
    {"open.creates_with_every_kind_of_mode",
     [](transcript& t) {
         for (const unsigned mode :
              {0U, 0400U, 0600U, 0644U, 0666U, 0755U, 0777U, 01777U, 06755U}) {
             const auto file = "mode_" + text::octal(mode);
             t.close(t.open(file, O_CREAT | O_WRONLY, mode));
             t.stat(file);
         }
     }},
    {"open.takes_the_umask_from_the_mode",
     [](transcript& t) {
         for (const unsigned mask : {0U, 022U, 027U, 077U, 0777U}) {
             t.umask(mask);
             const auto file = "mask_" + text::octal(mask);
             t.close(t.open(file, O_CREAT | O_WRONLY, 0777));
             t.stat(file);
         }
         t.umask(022);
     }},
    {"open.of_an_unreadable_mode_still_writes_through_its_descriptor",
     [](transcript& t) {
         const int fd = t.open("sealed", O_CREAT | O_RDWR, 0);
         t.write(fd, "written");
         t.pread(fd, 16, 0);
         t.close(fd);
         t.stat("sealed");
     }},
    {"open.creating_what_exists_changes_nothing",
     [](transcript& t) {
         t.make_file("a", "content", 0600);
         t.make_old("a");
         t.close(t.open("a", O_CREAT | O_WRONLY, 0777));
         t.stat("a");
         t.show_renewed("a");
         t.show_file("a");
     }},
    {"open.exclusive_creates_once",
     [](transcript& t) {
         t.close(t.open("a", O_CREAT | O_EXCL | O_WRONLY, 0644));
         t.open("a", O_CREAT | O_EXCL | O_WRONLY, 0644);
         t.open("a", O_CREAT | O_EXCL | O_RDONLY, 0644);
         t.stat("a");
     }},
    {"open.exclusive_refuses_whatever_has_the_name",
     [](transcript& t) {
         t.mkdir("dir");
         t.symlink("nowhere", "dangling");
         t.symlink("dir", "link");
         t.mkfifo("fifo");
         for (const char* const it : {"dir", "dangling", "link", "fifo", ".", "..", "dir/."}) {
             t.open(it, O_CREAT | O_EXCL | O_WRONLY, 0644);
         }
         t.list(".");
     }},
    {"open.exclusive_without_creat_is_an_open",
     [](transcript& t) {
         t.make_file("a", "content");
         const int fd = t.open("a", O_EXCL | O_RDONLY);
         t.read(fd, 16);
     }},
    {"open.truncates",
     [](transcript& t) {
         t.make_file("a", "content", 0640);
         t.make_old("a");
         const int fd = t.open("a", O_WRONLY | O_TRUNC);
         t.fstat(fd);
         t.show_renewed("a");
         t.write(fd, "x");
         t.close(fd);
         t.show_file("a");
     }},
    {"open.truncates_even_for_reading",
     [](transcript& t) {
         t.make_file("a", "content");
         const int fd = t.open("a", O_RDONLY | O_TRUNC);
         t.read(fd, 10);
         t.write(fd, "x");
         t.stat("a");
     }},
    {"open.creates_for_reading",
     [](transcript& t) {
         const int fd = t.open("a", O_CREAT | O_TRUNC | O_RDONLY, 0600);
         t.read(fd, 10);
         t.write(fd, "x");
         t.stat("a");
     }},
    {"open.mode_three_can_neither_read_nor_write",
     [](transcript& t) {
         t.make_file("a", "content");
         const int fd = t.open("a", O_ACCMODE);
         t.read(fd, 3);
         t.write(fd, "x");
         t.fstat(fd);
     }},
    {"open.creat_makes_the_target_of_a_dangling_link",
     [](transcript& t) {
         t.symlink("target", "link");
         const int fd = t.open("link", O_CREAT | O_WRONLY, 0644);
         t.write(fd, "through");
         t.close(fd);
         t.show_file("target");
         t.lstat("link");
         t.symlink("missing/target", "lost");
         t.open("lost", O_CREAT | O_WRONLY, 0644);
         t.list(".");
     }},
    {"open.creat_needs_the_directory",
     [](transcript& t) {
         t.make_file("file", "");
         t.open("missing/a", O_CREAT | O_WRONLY, 0644);
         t.open("file/a", O_CREAT | O_WRONLY, 0644);
         t.list(".");
     }},
    {"open.creat_of_a_directory_name_is_refused",
     [](transcript& t) {
         t.mkdir("dir");
         t.open("dir", O_CREAT | O_RDONLY, 0644);
         t.open("dir", O_CREAT | O_WRONLY, 0644);
         t.open(".", O_CREAT | O_RDONLY, 0644);
         t.open("new/", O_CREAT | O_WRONLY, 0644);
         t.open("new/", O_CREAT | O_EXCL | O_WRONLY, 0644);
         t.open("new/.", O_CREAT | O_WRONLY, 0644);
         t.list(".");
     }},
    {"open.directories_open_for_reading_only",
     [](transcript& t) {
         t.mkdir("dir");
         t.close(t.open("dir", O_RDONLY));
         t.open("dir", O_WRONLY);
         t.open("dir", O_RDWR);
         t.open("dir", O_RDONLY | O_TRUNC);
         t.open(".", O_RDWR);
         t.open("dir/", O_WRONLY);
     }},
    {"open.directory_flag_insists",
     [](transcript& t) {
         t.make_file("file", "");
         t.mkdir("dir");
         t.mkfifo("fifo");
         t.symlink("file", "link_to_file");
         t.symlink("dir", "link_to_dir");
         for (const char* const it :
              {"file", "dir", "fifo", "link_to_file", "link_to_dir", "missing", "dir/", "."}) {
             t.close(t.open(it, O_RDONLY | O_DIRECTORY));
         }
         t.open("link_to_dir", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
     }},
    {"open.directory_flag_with_creat",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_file("file", "");
         t.open("dir", O_DIRECTORY | O_CREAT | O_RDONLY, 0644);
         t.open("file", O_DIRECTORY | O_CREAT | O_RDONLY, 0644);
         t.open("new", O_DIRECTORY | O_CREAT | O_RDONLY, 0644);
         t.list(".");
     }},
    {"open.trailing_slash_insists_on_a_directory",
     [](transcript& t) {
         t.make_file("file", "");
         t.mkdir("dir");
         t.symlink("file", "link_to_file");
         t.symlink("dir", "link_to_dir");
         for (const char* const it :
              {"file/",
               "dir/",
               "dir//",
               "link_to_file/",
               "link_to_dir/",
               "missing/",
               "file/.",
               "file/..",
               "dir/..",
               "dir/../file"}) {
             t.close(t.open(it, O_RDONLY));
         }
     }},
    {"open.empty_path_is_not_found",
     [](transcript& t) {
         t.open("", O_RDONLY);
         t.open("", O_CREAT | O_WRONLY, 0644);
         t.open("", O_PATH);
     }},
    {"open.nofollow_refuses_links_at_the_end_only",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_file("dir/file", "content");
         t.symlink("dir", "link");
         t.symlink("file", "dir/link");
         t.symlink("nowhere", "dangling");
         t.open("dir/link", O_RDONLY | O_NOFOLLOW);
         t.open("dangling", O_RDONLY | O_NOFOLLOW);
         t.open("dangling", O_CREAT | O_WRONLY | O_NOFOLLOW, 0644);
         t.open("link", O_RDONLY | O_NOFOLLOW);
         t.close(t.open("link/", O_RDONLY | O_NOFOLLOW));
         t.close(t.open("link/file", O_RDONLY | O_NOFOLLOW));
         t.close(t.open("dir/file", O_RDONLY | O_NOFOLLOW));
         t.open("dir/link", O_WRONLY | O_TRUNC | O_NOFOLLOW);
         t.show_file("dir/file");
     }},
    {"open.twice_gives_two_positions",
     [](transcript& t) {
         t.make_file("a", "abcdef");
         const int first = t.open("a", O_RDONLY);
         const int second = t.open("a", O_RDWR);
         t.read(first, 3);
         t.read(second, 2);
         t.write(second, "XY");
         t.read(first, 9);
         t.lseek(first, 0, SEEK_CUR);
         t.lseek(second, 0, SEEK_CUR);
     }},
    {"open.file_in_the_place_of_a_directory",
     [](transcript& t) {
         t.make_file("file", "");
         t.open("file/below", O_RDONLY);
         t.open("file/below/more", O_RDONLY);
         t.open("file/below", O_CREAT | O_WRONLY, 0644);
     }},
    {"open.closed_descriptors_are_bad",
     [](transcript& t) {
         t.make_file("a", "content");
         const int fd = t.open("a", O_RDWR);
         t.close(fd);
         t.close(fd);
         t.read(fd, 1);
         t.write(fd, "x");
         t.lseek(fd, 0, SEEK_SET);
         t.fstat(fd);
         t.fsync(fd);
         t.ftruncate(fd, 0);
         t.fchmod(fd, 0600);
         t.get_flags(fd);
         t.flock(fd, LOCK_SH);
     }},
    {"open.many_descriptors_are_apart",
     [](transcript& t) {
         constexpr int count = 200;
         std::vector<int> open;
         for (int i = 0; i < count; ++i) {
             const auto file = "file" + std::to_string(i);
             t.make_file(file, file);
             open.push_back(t.open(file, O_RDONLY));
         }
         for (int i = count; i-- > 0;) {
             t.read(open[static_cast<std::size_t>(i)], 16);
             t.close(open[static_cast<std::size_t>(i)]);
         }
     }},
};

}  // namespace

case_family open_cases() {
    return {needs::nothing, cases};
}

}  // namespace farside::conformance
