// The version of the program, as the build states it.
#pragma once

namespace farside::agent {

inline constexpr const char* version = FARSIDE_VERSION;

}  // namespace farside::agent
