// readv(2), writev(2) and their relatives: many buffers, one transfer.
#include "tests/conformance/conformance_case.hpp"

namespace farside::conformance {
namespace {

std::vector<std::string> many_parts(std::size_t count) {
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < count; ++i) {
        parts.push_back("part" + std::to_string(i) + ' ');
    }
    return parts;
}

constexpr conformance_case cases[] = {
    {"vectored.read_fills_buffers_in_order",
     [](transcript& t) {
         t.make_file("a", "abcdefghij");
         const int fd = t.open("a", O_RDONLY);
         t.readv(fd, {1, 2, 3});
         t.readv(fd, {0, 2, 0});
         t.readv(fd, {1, 100});
         t.readv(fd, {5, 5});
         t.lseek(fd, 0, SEEK_CUR);
     }},
    {"vectored.write_takes_buffers_in_order",
     [](transcript& t) {
         const int fd = t.open("a", O_CREAT | O_RDWR, 0644);
         t.writev(fd, {"one ", "", "two ", "three"});
         t.lseek(fd, 0, SEEK_CUR);
         t.writev(fd, {""});
         t.show_file("a");
     }},
    {"vectored.no_buffers_move_nothing",
     [](transcript& t) {
         t.make_file("a", "abc");
         const int fd = t.open("a", O_RDWR);
         t.readv(fd, {});
         t.writev(fd, {});
         t.readv(fd, {0, 0});
         t.lseek(fd, 0, SEEK_CUR);
     }},
    {"vectored.limit_of_buffers",
     [](transcript& t) {
         const int fd = t.open("a", O_CREAT | O_RDWR, 0644);
         t.writev(fd, many_parts(1024));
         t.writev(fd, many_parts(1025));
         t.lseek(fd, 0, SEEK_SET);
         t.readv(fd, std::vector<std::size_t>(1025, 1));
         t.readv(fd, std::vector<std::size_t>(1024, 8));
         t.show_file("a");
     }},
    {"vectored.at_an_offset_leaves_the_position",
     [](transcript& t) {
         t.make_file("a", "abcdefghij");
         const int fd = t.open("a", O_RDWR);
         t.preadv(fd, {2, 3}, 4);
         t.pwritev2(fd, {"X", "YZ"}, 1, 0);
         t.read(fd, 5);
         t.preadv(fd, {2}, -5);
     }},
    {"vectored.offset_of_minus_one_is_the_position",
     [](transcript& t) {
         t.make_file("a", "abcdefghij");
         const int fd = t.open("a", O_RDWR);
         t.read(fd, 2);
         t.pwritev2(fd, {"X", "Y"}, -1, 0);
         t.lseek(fd, 0, SEEK_CUR);
         t.show_file("a");
     }},
    {"vectored.flags_of_pwritev2",
     [](transcript& t) {
         t.make_file("a", "start");
         const int fd = t.open("a", O_RDWR);
         t.pwritev2(fd, {"D"}, 0, RWF_DSYNC);
         t.pwritev2(fd, {"S"}, 1, RWF_SYNC);
         t.pwritev2(fd, {"+end"}, -1, RWF_APPEND);
         t.lseek(fd, 0, SEEK_CUR);
         t.pwritev2(fd, {"?"}, 0, 0x40000000);
         t.show_file("a");
     }},
    {"vectored.large",
     [](transcript& t) {
         const int fd = t.open("a", O_CREAT | O_RDWR, 0644);
         t.writev(fd, {text::pattern(70'000), text::pattern(200'000, 1), text::pattern(1, 2)});
         t.lseek(fd, 0, SEEK_SET);
         t.readv(fd, {1, 131'072, 65'536, 200'000});
         t.preadv(fd, {100'000, 100'000}, 33);
         t.show_file("a");
     }},
    {"vectored.append",
     [](transcript& t) {
         t.make_file("a", "start");
         const int fd = t.open("a", O_WRONLY | O_APPEND);
         t.writev(fd, {"+one", "+two"});
         t.pwritev2(fd, {"+three"}, 0, 0);
         t.show_file("a");
     }},
};

}  // namespace

case_family vectored_io_cases() {
    return {needs::nothing, cases};
}

}  // namespace farside::conformance
