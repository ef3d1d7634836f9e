// Mounts it, and takes it away again whoever still uses it.
#include "tests/agent/overlay.hpp"

#include <string>

#include <sys/mount.h>

namespace farside::agent::test {

overlay::overlay() {
    for (const char* const name : {"lower", "upper", "work", "all"}) {
        std::filesystem::create_directory(directory_.path() / name);
    }
}

overlay::~overlay() {
    if (mounted_) {
        ::umount2(path().c_str(), MNT_DETACH);
    }
}

bool overlay::mount() {
    const auto base = directory_.path().string();
    const auto options =
        "lowerdir=" + base + "/lower,upperdir=" + base + "/upper,workdir=" + base + "/work";
    mounted_ = ::mount("overlay", path().c_str(), "overlay", 0, options.c_str()) == 0;
    return mounted_;
}

}  // namespace farside::agent::test
