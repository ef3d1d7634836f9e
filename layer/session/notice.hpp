// The session's words to the user: single lines "farside: ..." on standard error. Few, and each
// once: the program's own output is what the user came for.
#pragma once

#include <string>
#include <string_view>

namespace farside::session {

class notices {
public:
    // `descriptor`: where lines go; not owned.
    explicit notices(int descriptor) : descriptor_{descriptor} {}

    // Control bytes of `line` are shown as '?'. A line that was said before is not said again.
    void say(std::string_view line);

private:
    int descriptor_;
    std::string last_;
};

}  // namespace farside::session
