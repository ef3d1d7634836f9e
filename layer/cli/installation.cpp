// Found from where this program is, so that a tree can be moved as a whole.
#include "layer/cli/installation.hpp"

#include <climits>

#include <unistd.h>

namespace farside::cli {

installation find_installation() {
    installation found;
    char path[PATH_MAX];
    const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
    if (length <= 0 || length == static_cast<ssize_t>(sizeof path)) {
        found.problem = "cannot tell where farside is: /proc/self/exe is not readable";
        return found;
    }
    found.self.assign(path, static_cast<std::size_t>(length));
    const std::string directory = found.self.substr(0, found.self.rfind('/'));
    const std::string prefix = directory.substr(0, directory.rfind('/'));
    found.agent = directory + "/farside-agent";
    // Debian's /usr keeps libraries in a folder per machine.
    for (const char* libraries : {"/lib", "/" FARSIDE_LIBRARY_DIRECTORY}) {
        found.library = prefix + libraries + "/farside/libfarside.so";
        if (::access(found.library.c_str(), R_OK) == 0) {
            return found;
        }
    }
    found.problem = "libfarside.so is missing: " + found.library;
    return found;
}

}  // namespace farside::cli
