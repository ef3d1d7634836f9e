// Writes the golden file of every message into the folder given: make_golden tests/golden
#include "tests/protocol/golden.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>

int main(int count, char** arguments) {
    using namespace farside::protocol;
    if (count != 2) {
        std::fputs("usage: make_golden FOLDER\n", stderr);
        return 2;
    }
    const std::filesystem::path folder{arguments[1]};
    bool written = true;
    for_each_message(all_messages{}, [&]<typename Message>(std::type_identity<Message>) {
        std::ofstream file{folder / golden_name<Message>(), std::ios::binary};
        file << golden_text<Message>() << std::flush;
        written = written && file.good();
    });
    if (!written) {
        std::fputs("make_golden: not every file could be written\n", stderr);
    }
    return written ? 0 : 1;
}
