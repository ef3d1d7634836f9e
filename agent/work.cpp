// The buffer behind answers that carry data.
#include "agent/work.hpp"

#include <new>

namespace farside::agent {
namespace {

// As coarse as any device asks of O_DIRECT.
constexpr std::align_val_t alignment{4096};

}  // namespace

void data_buffer::release::operator()(std::byte* bytes) const {
    ::operator delete(bytes, alignment);
}

std::span<std::byte> data_buffer::room(std::size_t bytes) {
    if (size_ < bytes) {
        bytes_.reset(static_cast<std::byte*>(::operator new(bytes, alignment)));
        size_ = bytes;
    }
    return {bytes_.get(), bytes};
}

}  // namespace farside::agent
