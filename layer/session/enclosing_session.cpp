// The layer hides its descriptors from the program that it is in, and so from us, and the
// environment may be a leftover. But where the layer is, it has mapped the view: that says it all.
#include "layer/session/enclosing_session.hpp"

#include "layer/segment/segment.hpp"
#include "layer/segment/view.hpp"

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>

namespace farside::session {
namespace {

// As shared_memory names it; the kernel adds the rest.
constexpr const char* view_name = "/memfd:farside-view";

// The address of the view in this process; nullptr: not mapped, or only in part.
const void* find_view() {
    const std::unique_ptr<FILE, int (*)(FILE*)> maps{
        std::fopen("/proc/self/maps", "re"), std::fclose};
    char line[4096];
    while (maps != nullptr && std::fgets(line, sizeof line, maps.get()) != nullptr) {
        void* begin = nullptr;
        void* end = nullptr;
        unsigned long offset = 0;
        if (std::strstr(line, view_name) != nullptr &&
            std::sscanf(line, "%p-%p r%*s %lx", &begin, &end, &offset) == 3 && offset == 0 &&
            reinterpret_cast<std::uintptr_t>(end) - reinterpret_cast<std::uintptr_t>(begin) >=
                sizeof(segment::view)) {
            return begin;
        }
    }
    return nullptr;
}

}  // namespace

std::optional<enclosing_session> find_enclosing_session() {
    const auto* const view = static_cast<const segment::view*>(find_view());
    if (view == nullptr || view->magic != segment::view_magic ||
        view->version != segment::layout_version) {
        return std::nullopt;
    }
    return enclosing_session{{view->target, ::strnlen(view->target, sizeof view->target)}};
}

}  // namespace farside::session
