// coherence_reader ROOT CHANNEL ROUNDS: looks at all subjects again and again until the channel
// says that a round has begun, then once more, and says what it saw:
//
//     ready
//     1 written: ...
//     ...
//     1 end
//
// The looks in between fill whatever caches there are, with what is about to change.
#include "tests/coherence/files.hpp"
#include "tests/coherence/subjects.hpp"

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
    using namespace farside::coherence;
    if (argc != 4) {
        return 2;
    }
    const std::string root = argv[1];
    const auto rounds = std::atoi(argv[3]);
    const auto signal = make_channel(argv[2]);
    const auto subjects = all_subjects();
    std::setvbuf(stdout, nullptr, _IOFBF, 1 << 16);
    std::puts("ready");
    std::fflush(stdout);
    for (int round = 1; round <= rounds; ++round) {
        for (std::size_t next = 0; !signal->published(root, round); ++next) {
            static_cast<void>(subjects[next % subjects.size()]->look(root, round - 1));
        }
        for (const auto& one : subjects) {
            std::printf("%d %s: %s\n", round, one->name().c_str(), one->look(root, round).c_str());
        }
        std::printf("%d end\n", round);
        std::fflush(stdout);
    }
    return 0;
}
