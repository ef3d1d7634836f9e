// The execution of one request, whichever it is: the read-only gate, its service, and what becomes
// of an exception. Any thread.
#pragma once

#include "agent/log.hpp"
#include "agent/read_only.hpp"
#include "agent/services.hpp"
#include "protocol/type_name.hpp"

#include <exception>
#include <string>
#include <type_traits>
#include <utility>

#include <fcntl.h>

namespace farside::agent {

template <typename Request>
using outcome_of = decltype(execute(std::declval<const Request&>(), std::declval<work_context>()));

template <typename Request>
inline constexpr bool opens =
    std::is_same_v<Request, protocol::open> || std::is_same_v<Request, protocol::open_leased>;

// The read-only gate, then the service.
template <typename Request>
outcome_of<Request> run_gated(const Request& request, const work_context& context) {
    if constexpr (may_change<Request>()) {
        if (context.read_only && would_change(request)) {
            if (const auto refused = refuse(request, context)) {
                return refused;
            }
            // Only an open gets here: of a file that exists, and to read it.
            if constexpr (opens<Request>) {
                auto harmless = request;
                harmless.flags &= ~std::uint32_t{O_CREAT | O_EXCL | O_TRUNC};
                return execute(harmless, context);
            }
            return errno_code(EROFS);
        }
    }
    return execute(request, context);
}

// An exception says that something is wrong with the agent, not with the request.
template <typename Request>
outcome_of<Request> run_caught(
    const Request& request, const work_context& context, const logger& log
) {
    try {
        return run_gated(request, context);
    } catch (const std::exception& e) {
        const auto name = protocol::type_name<Request>();
        log.error("a handler failed: " + std::string{name} + ": " + e.what());
        return errno_code(EREMOTEIO);
    }
}

}  // namespace farside::agent
