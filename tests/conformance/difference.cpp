// The longest common subsequence of lines, by the table of the textbook: transcripts are short.
#include "tests/conformance/difference.hpp"

#include <algorithm>
#include <cstddef>
#include <sstream>
#include <vector>

namespace farside::conformance {
namespace {

using lines = std::vector<std::string>;

constexpr std::size_t context_lines = 2;
constexpr std::size_t lines_max = 4000;

lines split(const std::string& text) {
    lines result;
    std::istringstream in{text};
    for (std::string line; std::getline(in, line) && result.size() < lines_max;) {
        result.push_back(line);
    }
    return result;
}

// common[i][j]: how many lines a[i...] and b[j...] have in common.
std::vector<std::vector<std::size_t>> common_lines(const lines& a, const lines& b) {
    std::vector<std::vector<std::size_t>> common(
        a.size() + 1, std::vector<std::size_t>(b.size() + 1)
    );
    for (std::size_t i = a.size(); i-- > 0;) {
        for (std::size_t j = b.size(); j-- > 0;) {
            common[i][j] = a[i] == b[j] ? common[i + 1][j + 1] + 1
                                        : std::max(common[i + 1][j], common[i][j + 1]);
        }
    }
    return common;
}

// Every line, marked with "-", "+" or " ".
lines marked_lines(const lines& a, const lines& b) {
    const auto common = common_lines(a, b);
    lines marked;
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < a.size() || j < b.size()) {
        if (i < a.size() && j < b.size() && a[i] == b[j]) {
            marked.push_back("  " + a[i]);
            ++i;
            ++j;
        } else if (j == b.size() || (i < a.size() && common[i + 1][j] >= common[i][j + 1])) {
            marked.push_back("- " + a[i++]);
        } else {
            marked.push_back("+ " + b[j++]);
        }
    }
    return marked;
}

}  // namespace

std::string difference(const std::string& before, const std::string& after) {
    if (before == after) {
        return {};
    }
    const auto marked = marked_lines(split(before), split(after));
    std::vector<bool> shown(marked.size());
    for (std::size_t i = 0; i < marked.size(); ++i) {
        if (marked[i][0] != ' ') {
            const auto first = i - std::min(i, context_lines);
            for (auto at = first; at < std::min(marked.size(), i + context_lines + 1); ++at) {
                shown[at] = true;
            }
        }
    }
    std::string result;
    for (std::size_t i = 0; i < marked.size(); ++i) {
        if (shown[i]) {
            result += marked[i] + '\n';
        } else if (i > 0 && shown[i - 1]) {
            result += "  ...\n";
        }
    }
    return result;
}

}  // namespace farside::conformance
