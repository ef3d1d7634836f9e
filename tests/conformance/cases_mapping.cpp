// mmap(2) of files: natively and under the layer. Those that are shared and stored into have
// cases_shared_mapping.cpp.
#include "tests/conformance/conformance_case.hpp"
#include "tests/conformance/mapping.hpp"

#include <cstring>

#include <unistd.h>

namespace farside::conformance {
namespace {

using namespace std::string_view_literals;

constexpr conformance_case cases[] = {
    {"mmap.private_for_reading",
     [](transcript& t) {
         t.make_file("a", text::pattern(10'000));
         const int fd = t.open("a", O_RDONLY);
         const mapping map{10'000, PROT_READ, MAP_PRIVATE, fd};
         t.close(fd);
         show(t, "mmap", map);
         t.note("same", map.text() == text::pattern(10'000));
     }},
    {"mmap.shared_for_reading",
     [](transcript& t) {
         t.make_file("a", text::pattern(10'000));
         const int fd = t.open("a", O_RDONLY);
         const mapping map{10'000, PROT_READ, MAP_SHARED, fd};
         show(t, "mmap", map);
         const mapping two{10'000, PROT_READ, MAP_SHARED, fd};
         t.note("same", map.text() == two.text());
     }},
    {"mmap.private_writes_stay_private",
     [](transcript& t) {
         t.make_file("a", "content of the file");
         const int fd = t.open("a", O_RDONLY);
         const mapping map{19, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd};
         if (map.failure() == 0) {
             std::memcpy(map.bytes().data(), "CHANGED", 7);
         }
         show(t, "mmap", map);
         t.show_file("a");
     }},
    {"mmap.at_an_offset",
     [](transcript& t) {
         t.make_file("a", text::pattern(20'000));
         const int fd = t.open("a", O_RDONLY);
         show(t, "second page", mapping{4096, PROT_READ, MAP_PRIVATE, fd, 4096});
         show(t, "last part", mapping{3616, PROT_READ, MAP_PRIVATE, fd, 16'384});
         show(t, "no page", mapping{4096, PROT_READ, MAP_PRIVATE, fd, 100});
         t.lseek(fd, 0, SEEK_CUR);
     }},
    {"mmap.end_of_the_last_page_is_zero",
     [](transcript& t) {
         t.make_file("a", "short");
         const mapping map{4096, PROT_READ, MAP_PRIVATE, t.open("a", O_RDONLY)};
         show(t, "mmap", map);
     }},
    {"mmap.large",
     [](transcript& t) {
         t.make_file("a", text::pattern(3'000'001));
         const mapping map{3'000'001, PROT_READ, MAP_PRIVATE, t.open("a", O_RDONLY)};
         show(t, "mmap", map);
     }},
    {"mmap.refuses",
     [](transcript& t) {
         t.make_file("a", "content");
         t.mkdir("dir");
         const int reader = t.open("a", O_RDONLY);
         show(t, "write-only", mapping{7, PROT_READ, MAP_PRIVATE, t.open("a", O_WRONLY)});
         show(t, "shared and writable of a reader", mapping{7, PROT_WRITE, MAP_SHARED, reader});
         show(t, "no bytes", mapping{0, PROT_READ, MAP_PRIVATE, reader});
         show(t, "no sharing", mapping{7, PROT_READ, 0, reader});
         show(t, "of a directory", mapping{7, PROT_READ, MAP_PRIVATE, t.open("dir", O_RDONLY)});
         show(t, "of a path", mapping{7, PROT_READ, MAP_PRIVATE, t.open("a", O_PATH)});
         show(t, "of none", mapping{7, PROT_READ, MAP_PRIVATE, 99});
     }},
    {"mmap.empty_file",
     [](transcript& t) {
         t.make_file("a", "");
         const mapping map{10, PROT_READ, MAP_PRIVATE, t.open("a", O_RDONLY)};
         t.record("mmap", map.failure());
     }},
    {"mmap.survives_unlink",
     [](transcript& t) {
         t.make_file("a", "content");
         const mapping map{7, PROT_READ, MAP_PRIVATE, t.open("a", O_RDONLY)};
         t.unlink("a");
         show(t, "mmap", map);
     }},
    {"mmap.executable",
     [](transcript& t) {
         t.make_file("a", "\xb8\x2a\x00\x00\x00\xc3"sv, 0755);  // mov $42,%eax; ret
         const mapping map{6, PROT_READ | PROT_EXEC, MAP_PRIVATE, t.open("a", O_RDONLY)};
         t.record("mmap", map.failure());
         if (map.failure() == 0) {
             int (*answer)() = nullptr;
             char* const memory = map.bytes().data();
             std::memcpy(&answer, &memory, sizeof answer);
             t.note("answer " + std::to_string(answer()));
         }
     }},
};

}  // namespace

case_family mapping_cases() {
    return {needs::process, cases};
}

}  // namespace farside::conformance
