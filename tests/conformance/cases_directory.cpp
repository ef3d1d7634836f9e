// Reading directories: what is listed, in parts, again, and while names come and go.
#include "tests/conformance/conformance_case.hpp"

#include <algorithm>
#include <set>

namespace farside::conformance {
namespace {

constexpr int many = 3000;

// Names of one file: cheaper than files, and for a directory the same.
void make_names(transcript& t, const std::string& beginning, int count) {
    t.api().mknod(beginning + '0', S_IFREG | 0644, 0, 0);
    for (int i = 1; i < count; ++i) {
        t.api().link(beginning + '0', beginning + std::to_string(i), 0);
    }
}

std::vector<std::string> sorted_names(const std::vector<directory_entry>& entries) {
    std::vector<std::string> names;
    for (const auto& entry : entries) {
        names.push_back(entry.name);
    }
    std::ranges::sort(names);
    return names;
}

void note_repeated(transcript& t, const std::vector<directory_entry>& entries) {
    const auto names = sorted_names(entries);
    t.note("repeated", std::ranges::adjacent_find(names) != names.end());
}

constexpr conformance_case cases[] = {
    {"directory.empty_has_two_entries",
     [](transcript& t) {
         t.mkdir("dir");
         t.list("dir");
     }},
    {"directory.types_of_entries",
     [](transcript& t) {
         t.make_file("file", "");
         t.mkdir("dir");
         t.symlink("file", "link");
         t.symlink("nowhere", "dangling");
         t.mkfifo("fifo");
         t.mknod("socket", S_IFSOCK | 0644);
         t.list(".");
     }},
    {"directory.inodes_are_those_of_stat",
     [](transcript& t) {
         t.make_file("file", "");
         t.mkdir("dir");
         t.make_file("dir/x", "");
         t.symlink("file", "link");
         for (const auto& entry : t.list(".")) {
             const auto status = t.peek(entry.name, AT_SYMLINK_NOFOLLOW);
             t.note(text::quoted(entry.name), status.inode == entry.inode);
         }
         for (const auto& entry : t.list("dir")) {
             const auto status = t.peek("dir/" + entry.name, AT_SYMLINK_NOFOLLOW);
             t.note(text::quoted(entry.name), status.inode == entry.inode);
         }
     }},
    {"directory.end_stays_the_end",
     [](transcript& t) {
         t.make_file("a", "");
         const int dir = t.open(".", O_RDONLY | O_DIRECTORY);
         t.list(dir);
         t.list(dir);
         t.list(dir);
     }},
    {"directory.rewinding_sees_changes",
     [](transcript& t) {
         t.make_file("a", "");
         const int dir = t.open(".", O_RDONLY | O_DIRECTORY);
         t.list(dir);
         t.make_file("b", "");
         t.unlink("a");
         t.lseek(dir, 0, SEEK_SET);
         t.list(dir);
     }},
    {"directory.in_small_parts",
     [](transcript& t) {
         for (int i = 0; i < 30; ++i) {
             t.make_file("file" + std::to_string(i), "");
         }
         const int dir = t.open(".", O_RDONLY | O_DIRECTORY);
         std::vector<directory_entry> entries;
         while (t.getdents(dir, entries, 64) > 0) {
         }
         note_repeated(t, entries);
         t.note(std::to_string(entries.size()) + " entries");
         t.lseek(dir, 0, SEEK_SET);
         std::vector<directory_entry> at_once;
         while (t.getdents(dir, at_once) > 0) {
         }
         t.note("same", sorted_names(at_once) == sorted_names(entries));
     }},
    {"directory.too_little_room",
     [](transcript& t) {
         const std::string name(200, 'n');
         t.make_file(name, "");
         const int dir = t.open(".", O_RDONLY | O_DIRECTORY);
         std::vector<directory_entry> entries;
         t.getdents(dir, entries, 10);
         // The long name may come anywhere.
         std::int64_t before = 0;
         while (t.api().getdents(dir, 4096, entries) > 0) {
         }
         for (std::size_t i = 0; i + 1 < entries.size(); ++i) {
             before = entries[i + 1].name == name ? entries[i].next_position : before;
         }
         t.api().lseek(dir, before, SEEK_SET);
         t.getdents(dir, entries, 100);
         t.getdents(dir, entries, 0);
         t.api().lseek(dir, 0, SEEK_SET);
         t.list(dir);
     }},
    {"directory.seeks_to_every_entry",
     [](transcript& t) {
         for (int i = 0; i < 20; ++i) {
             t.make_file("file" + std::to_string(i), "");
         }
         const int dir = t.open(".", O_RDONLY | O_DIRECTORY);
         std::vector<directory_entry> all;
         while (t.getdents(dir, all) > 0) {
         }
         bool same = true;
         for (std::size_t i = 0; i < all.size(); i += 3) {
             t.api().lseek(dir, all[i].next_position, SEEK_SET);
             std::vector<directory_entry> rest;
             while (t.getdents(dir, rest) > 0) {
             }
             const std::vector<directory_entry> expected(
                 all.begin() + static_cast<std::ptrdiff_t>(i) + 1, all.end()
             );
             same = same && sorted_names(rest) == sorted_names(expected);
         }
         t.note("the rest is the same from everywhere", same);
     }},
    {"directory.position_is_that_of_the_last_entry",
     [](transcript& t) {
         t.make_file("a", "");
         const int dir = t.open(".", O_RDONLY | O_DIRECTORY);
         t.lseek(dir, 0, SEEK_CUR);
         std::vector<directory_entry> entries;
         t.getdents(dir, entries);
         const auto position = t.api().lseek(dir, 0, SEEK_CUR);
         t.note("same", !entries.empty() && position == entries.back().next_position);
         t.lseek(dir, -1, SEEK_SET);
         t.lseek(dir, 0, SEEK_SET);
     }},
    {"directory.with_3000_entries",
     [](transcript& t) {
         make_names(t, "file", many);
         const auto entries = t.list(".");
         note_repeated(t, entries);
         std::vector<directory_entry> in_parts;
         const int dir = t.open(".", O_RDONLY | O_DIRECTORY);
         while (t.getdents(dir, in_parts, 1000) > 0) {
         }
         t.note("same in parts", sorted_names(entries) == sorted_names(in_parts));
     }},
    {"directory.with_long_names",
     [](transcript& t) {
         // With a number of up to three digits: 255 bytes.
         make_names(t, std::string(252, 'n'), 700);
         note_repeated(t, t.list("."));
     }},
    {"directory.emptied_while_it_is_read",
     [](transcript& t) {
         make_names(t, "file", many);
         const int dir = t.open(".", O_RDONLY | O_DIRECTORY);
         std::set<std::string> removed;
         std::vector<directory_entry> entries;
         while (t.getdents(dir, entries, 4096) > 0) {
             for (const auto& entry : entries) {
                 if (!entry.name.starts_with('.')) {
                     t.api().unlink(entry.name, 0);
                     removed.insert(entry.name);
                 }
             }
             entries.clear();
         }
         t.note(std::to_string(removed.size()) + " removed");
         t.list(".");
     }},
    {"directory.filled_while_it_is_read",
     [](transcript& t) {
         make_names(t, "old", 500);
         const int dir = t.open(".", O_RDONLY | O_DIRECTORY);
         std::vector<directory_entry> entries;
         int made = 0;
         while (t.getdents(dir, entries, 2048) > 0 && made < 500) {
             t.api().link("old0", "new" + std::to_string(made++), 0);
         }
         while (t.getdents(dir, entries) > 0) {
         }
         note_repeated(t, entries);
         const auto old = std::ranges::count_if(entries, [](const directory_entry& entry) {
             return entry.name.starts_with("old");
         });
         t.note(std::to_string(old) + " old ones");
     }},
    {"directory.two_descriptors_read_apart",
     [](transcript& t) {
         make_names(t, "file", 50);
         const int first = t.open(".", O_RDONLY | O_DIRECTORY);
         const int second = t.open(".", O_RDONLY | O_DIRECTORY);
         std::vector<directory_entry> a;
         std::vector<directory_entry> b;
         while (t.getdents(first, a, 200) > 0) {
             t.getdents(second, b, 300);
         }
         while (t.getdents(second, b, 300) > 0) {
         }
         t.note("same", sorted_names(a) == sorted_names(b));
     }},
    {"directory.listing_refuses",
     [](transcript& t) {
         t.make_file("file", "");
         t.mkdir("dir");
         std::vector<directory_entry> entries;
         t.getdents(t.open("file", O_RDONLY), entries);
         t.getdents(t.open("dir", O_PATH), entries);
         t.getdents(-1, entries);
         t.list("file");
         t.list("missing");
     }},
    {"directory.of_many_levels",
     [](transcript& t) {
         std::string path = "level";
         for (int i = 0; i < 40; ++i) {
             t.mkdir(path);
             t.make_file(path + "/file" + std::to_string(i), std::to_string(i));
             path += "/level";
         }
         std::string at = "level";
         for (int i = 0; i < 40; ++i) {
             t.list(at);
             at += "/level";
         }
     }},
    {"directory.reading_renews_the_access_time_at_most",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_old("dir");
         t.list("dir");
         t.note("modified as it was", t.peek("dir").modified.seconds == 1'000'000'000);
     }},
};

}  // namespace

case_family directory_cases() {
    return {needs::nothing, cases};
}

}  // namespace farside::conformance
