// Directories in little room, from odd positions and while they change; names of every length.
#include "tests/conformance/conformance_case.hpp"

#include <algorithm>
#include <set>

namespace farside::conformance {
namespace {

void make_names(transcript& t, const std::string& beginning, int count) {
    t.api().mknod(beginning + "000", S_IFREG | 0644, 0, 0);
    for (int i = 1; i < count; ++i) {
        const auto digits = std::to_string(1000 + i).substr(1);
        t.api().link(beginning + "000", beginning + digits, 0);
    }
}

std::vector<directory_entry> read_all(transcript& t, int dir, std::size_t room) {
    std::vector<directory_entry> entries;
    while (t.getdents(dir, entries, room) > 0) {
    }
    return entries;
}

// What was there all the time is listed once, whatever happened to the others.
void note_each_once(
    transcript& t, const std::vector<directory_entry>& entries, const std::string& beginning
) {
    std::multiset<std::string> seen;
    for (const auto& entry : entries) {
        if (entry.name.starts_with(beginning)) {
            seen.insert(entry.name);
        }
    }
    const std::set<std::string> once{seen.begin(), seen.end()};
    t.note(
        beginning + ' ' + std::to_string(once.size()) + ", each once", once.size() == seen.size()
    );
}

constexpr conformance_case cases[] = {
    {"listing.room_of_every_size",
     [](transcript& t) {
         t.mkdir("dir");
         // As long a record as those of "." and "..", which may come anywhere.
         t.make_file("dir/name", "");
         for (const std::size_t room : {0UL, 1UL, 19UL, 23UL, 24UL, 47UL, 48UL, 71UL, 72UL}) {
             const int dir = t.open("dir", O_RDONLY);
             std::vector<directory_entry> entries;
             t.record("first", t.getdents(dir, entries, room) > 0 ? 1 : 0);
             t.note(std::to_string(entries.size()) + " entries of " + std::to_string(room));
             t.note(std::to_string(read_all(t, dir, 4096).size()) + " more");
             t.close(dir);
         }
     }},
    {"listing.names_of_every_length",
     [](transcript& t) {
         for (std::size_t length = 1; length <= 255; ++length) {
             t.api().mknod(std::string(length, 'n'), S_IFREG | 0644, 0, 0);
         }
         const int dir = t.open(".", O_RDONLY);
         for (const std::size_t room : {280UL, 1000UL, 4096UL, 1'000'000UL}) {
             t.lseek(dir, 0, SEEK_SET);
             const auto entries = read_all(t, dir, room);
             std::size_t bytes = 0;
             for (const auto& entry : entries) {
                 bytes += entry.name.size();
             }
             t.note(std::to_string(entries.size()) + " of " + std::to_string(bytes) + " bytes");
         }
     }},
    {"listing.half_is_removed_half_way",
     [](transcript& t) {
         make_names(t, "stays", 900);
         make_names(t, "goes", 900);
         const int dir = t.open(".", O_RDONLY);
         std::vector<directory_entry> entries;
         t.getdents(dir, entries, 8192);
         for (int i = 0; i < 900; ++i) {
             t.api().unlink("goes" + std::to_string(1000 + i).substr(1), 0);
         }
         const auto rest = read_all(t, dir, 8192);
         entries.insert(entries.end(), rest.begin(), rest.end());
         note_each_once(t, entries, "stays");
         t.lseek(dir, 0, SEEK_SET);
         t.note(std::to_string(read_all(t, dir, 8192).size()) + " left");
     }},
    {"listing.many_are_made_half_way",
     [](transcript& t) {
         make_names(t, "old", 900);
         const int dir = t.open(".", O_RDONLY);
         std::vector<directory_entry> entries;
         t.getdents(dir, entries, 4096);
         make_names(t, "new", 900);
         t.api().rename("old500", "old500 renamed", 0);
         const auto rest = read_all(t, dir, 4096);
         entries.insert(entries.end(), rest.begin(), rest.end());
         std::erase_if(entries, [](const directory_entry& it) {
             return it.name.starts_with("old500") || it.name.starts_with("new");
         });
         note_each_once(t, entries, "old");
     }},
    {"listing.removed_after_the_first_part",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_file("dir/a", "");
         const int dir = t.open("dir", O_RDONLY);
         std::vector<directory_entry> entries;
         t.getdents(dir, entries, 30);
         t.unlink("dir/a");
         t.rmdir("dir");
         t.getdents(dir, entries, 4096);
         t.lseek(dir, 0, SEEK_SET);
         t.getdents(dir, entries, 4096);
         t.mkdir("dir");
         t.list(dir);
         t.list("dir");
     }},
    {"listing.refused_positions",
     [](transcript& t) {
         make_names(t, "file", 20);
         const int dir = t.open(".", O_RDONLY);
         t.lseek(dir, -1, SEEK_SET);
         t.lseek(dir, -1, SEEK_CUR);
         t.lseek(dir, 0, 7);
         t.lseek(dir, 0, -1);
         t.note(std::to_string(read_all(t, dir, 4096).size()) + " entries");
         t.note("at the end", t.api().lseek(dir, 0, SEEK_CUR) > 0);
         t.lseek(dir, 0, SEEK_SET);
         t.note(std::to_string(read_all(t, dir, 100).size()) + " entries");
     }},
    {"listing.one_position_in_two_descriptors",
     [](transcript& t) {
         make_names(t, "file", 200);
         const int one = t.open(".", O_RDONLY);
         const int two = t.open(".", O_RDONLY);
         std::vector<directory_entry> entries;
         t.getdents(one, entries, 2000);
         const auto position = t.api().lseek(one, 0, SEEK_CUR);
         t.note("it is the last entry's", position == entries.back().next_position);
         t.note("it is taken", t.api().lseek(two, position, SEEK_SET) == position);
         const auto rest_of_one = read_all(t, one, 2000);
         const auto rest_of_two = read_all(t, two, 500);
         t.note(
             "the same rest",
             std::ranges::equal(
                 rest_of_one, rest_of_two, {}, &directory_entry::name, &directory_entry::name
             )
         );
         t.note(std::to_string(entries.size() + rest_of_one.size()) + " in all");
     }},
    {"listing.types_of_nodes",
     [](transcript& t) {
         t.mknod("character", S_IFCHR | 0600, 1, 3);
         t.mknod("block", S_IFBLK | 0600, 7, 99);
         t.mknod("socket", S_IFSOCK | 0600);
         t.mkfifo("fifo");
         t.mkdir("dir", 0);
         t.make_file("file", "", 0);
         t.symlink("dir", "link");
         t.list(".");
     }},
    {"listing.dot_and_dot_dot",
     [](transcript& t) {
         t.mkdir("a");
         t.mkdir("a/b");
         const auto check = [&](const std::string& dir) {
             for (const auto& entry : t.list(dir)) {
                 const auto inode = t.peek(dir + '/' + entry.name).inode;
                 t.note(entry.name, entry.inode == inode);
             }
         };
         check("a");
         check("a/b");
         t.rename("a/b", "c");
         check("c");
     }},
    {"listing.three_thousand_of_all_kinds",
     [](transcript& t) {
         for (int i = 0; i < 3000; ++i) {
             const auto entry = std::to_string(i) + (i % 7 == 0 ? "\n\"'\\ \xff" : "");
             switch (i % 4) {
                 case 0:
                     t.api().mknod(entry, S_IFREG | 0600, 0, 0);
                     break;
                 case 1:
                     t.api().mknod(entry, S_IFIFO | 0600, 0, 0);
                     break;
                 case 2:
                     t.api().symlink("x", entry);
                     break;
                 default:
                     t.api().mknod(entry, S_IFSOCK | 0600, 0, 0);
             }
         }
         t.list(".");
         const int dir = t.open(".", O_RDONLY);
         t.note(std::to_string(read_all(t, dir, 1024).size()) + " in small parts");
     }},
    {"listing.rights_to_list_and_to_search",
     [](transcript& t) {
         t.mkdir("dir");
         t.make_file("dir/file", "content");
         const int dir = t.open("dir", O_RDONLY);
         const int path = t.open("dir", O_PATH);
         for (const unsigned mode : {0400U, 0100U, 0U}) {
             t.chmod("dir", mode);
             t.list("dir");
             t.stat("dir/file");
             t.list(dir);
             t.lseek(dir, 0, SEEK_SET);
             t.stat(in(path, "file"));
             t.open(in(path, "."), O_RDONLY);
         }
         t.chmod("dir", 0700);
     }},
};

}  // namespace

case_family listing_cases() {
    return {needs::nothing, cases};
}

}  // namespace farside::conformance
