// Any file as a program: it is judged alike whether reads come whole or in small parts, its texts
// end, and no more than a bounded number of bytes is read. Input: the file.
#include "fuzz/fuzz_target.hpp"
#include "layer/common/exec_image.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace farside {
namespace {

struct image {
    std::span<const std::byte> bytes;
    std::size_t at_once;
    std::size_t read = 0;
};

long read_at(void* context, void* to, std::size_t room, std::uint64_t offset) noexcept {
    auto& from = *static_cast<image*>(context);
    if (offset >= from.bytes.size()) {
        return 0;
    }
    const auto rest = from.bytes.subspan(static_cast<std::size_t>(offset));
    const auto part = rest.first(std::min({room, rest.size(), from.at_once}));
    std::memcpy(to, part.data(), part.size());
    from.read += part.size();
    return static_cast<long>(part.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) noexcept {
    image whole{as_span(data, size), size};
    image parts{as_span(data, size), 3};
    const auto report = inspect_image({read_at, &whole});
    const auto again = inspect_image({read_at, &parts});
    require(std::memcmp(&report, &again, sizeof report) == 0);
    require(std::string_view{describe(report.kind)} != "of an unknown kind");
    require(std::memchr(report.interpreter, 0, sizeof report.interpreter) != nullptr);
    require(std::memchr(report.argument, 0, sizeof report.argument) != nullptr);
    require((report.kind == image_kind::script) == (report.interpreter[0] != '\0'));
    constexpr std::size_t read_bytes_max = 1 << 20;
    require(whole.read <= read_bytes_max && parts.read == whole.read);
    return 0;
}

}  // namespace farside
