// Where make_corpus puts its seeds: one file a seed, one folder a fuzz target.
#pragma once

#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

namespace farside {

class corpus_writer {
public:
    explicit corpus_writer(std::filesystem::path folder) : folder_{std::move(folder)} {}

    void add(const std::string& target, std::string_view name, std::span<const std::byte> bytes) {
        std::filesystem::create_directories(folder_ / target);
        std::ofstream file{folder_ / target / name, std::ios::binary};
        for (const std::byte b : bytes) {
            file.put(static_cast<char>(b));
        }
        file.close();
        complete_ = complete_ && file.good();
    }

    void add(const std::string& target, std::string_view name, const std::string& text) {
        add(target, name, std::as_bytes(std::span{text}));
    }

    // Whether every file was written.
    [[nodiscard]] bool complete() const { return complete_; }

private:
    std::filesystem::path folder_;
    bool complete_ = true;
};

// Seeds of the targets about the wire, and about the layer.
void add_protocol_seeds(corpus_writer& out);
void add_layer_seeds(corpus_writer& out);

}  // namespace farside
