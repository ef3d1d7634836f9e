// Writes the table of system calls into the README given: make_call_table layer/README.md
#include "tests/layer/preload/call_table.hpp"

#include <cstdio>
#include <fstream>

int main(int count, char** arguments) {
    using namespace farside::preload;
    if (count != 2) {
        std::fputs("usage: make_call_table README\n", stderr);
        return 2;
    }
    std::ifstream file{arguments[1], std::ios::binary};
    std::ostringstream before;
    before << file.rdbuf();
    const auto after = with_table(before.str());
    if (!after) {
        std::fputs("make_call_table: the README has no place for the table\n", stderr);
        return 1;
    }
    std::ofstream out{arguments[1], std::ios::binary};
    out << *after << std::flush;
    return out.good() ? 0 : 1;
}
