// Makes what the workloads read, below a directory, natively.
#include "bench/workloads/workload.hpp"

#include <array>
#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

namespace farside::bench {
namespace {

void write_file(const std::string& path, std::span<const std::byte> bytes) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0 || ::write(fd, bytes.data(), bytes.size()) != std::ssize(bytes)) {
        fail("make", path);
    }
    ::close(fd);
}

void write_text(const std::string& path, const std::string& text) {
    write_file(path, std::as_bytes(std::span{text}));
}

void make_blocks(const std::string& path, std::size_t bytes) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    std::array<std::byte, sizes::block_bytes> block{};
    for (std::size_t at = 0; at < bytes; at += block.size()) {
        fill_block(block, at / block.size() + 7);
        if (::write(fd, block.data(), block.size()) != std::ssize(block)) {
            fail("make", path);
        }
    }
    ::close(fd);
}

void make_files(const std::string& prefix, int files, std::size_t bytes, std::uint64_t seed) {
    std::vector<std::byte> content(bytes);
    for (int f = 0; f < files; ++f) {
        fill_block(content, seed + static_cast<std::uint64_t>(f));
        write_file(numbered(prefix, f), content);
    }
}

// Lines of words; every 50th file has the word that is looked for.
void make_texts(const std::string& directory, int d) {
    for (int f = 0; f < sizes::text_files; ++f) {
        const int number = d * sizes::text_files + f;
        std::string text = number % 50 == 0 ? "here is the needle\n" : "nothing of note\n";
        while (text.size() < sizes::text_bytes) {
            text += "line " + std::to_string(text.size()) + " of text " + std::to_string(number) +
                    ", like many others\n";
        }
        text.resize(sizes::text_bytes - 1);
        write_text(numbered(directory + "/t", f), text + '\n');
    }
}

void make_modules(const std::string& root) {
    const std::string outer = root + "/node_modules";
    const std::string inner = root + "/app/node_modules";
    std::filesystem::create_directories(root + "/app/src/server/routes/admin");
    for (int m = 0; m < sizes::modules; ++m) {
        const std::string module = numbered((m % 4 == 0 ? outer : inner) + "/m", m);
        std::filesystem::create_directories(module + "/lib");
        write_text(module + "/package.json", "{\"name\": \"m\", \"main\": \"lib/index\"}\n");
        write_text(module + "/lib/index.js", std::string(3000, '/') + '\n');
    }
}

}  // namespace

void make(request& r) {
    const std::string& root = r.directory;
    std::filesystem::create_directories(root + "/small");
    std::filesystem::create_directories(root + "/out");
    make_blocks(root + "/big", sizes::big_bytes);
    make_blocks(root + "/large", sizes::large_bytes);
    make_files(root + "/small/f", sizes::small_files, sizes::small_bytes, 1000);
    for (int d = 0; d < sizes::tree_directories; ++d) {
        const std::string directory = numbered(root + "/tree/d", d);
        std::filesystem::create_directories(directory);
        make_files(directory + "/f", sizes::tree_files, sizes::tree_bytes, 5);
    }
    for (int d = 0; d < sizes::text_directories; ++d) {
        const std::string directory = numbered(root + "/text/d", d);
        std::filesystem::create_directories(directory);
        make_texts(directory, d);
    }
    make_modules(root + "/npm");
}

}  // namespace farside::bench
