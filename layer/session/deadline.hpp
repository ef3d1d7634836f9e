// Bounds a wait: unless it is destroyed before, `expire` runs once when the time is over (it closes
// or cancels what is waited for). After the destructor `expire` never runs, also where the timer
// had already fired and its handler was queued.
#pragma once

#include "layer/session/asio.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <utility>

namespace farside::session {

class deadline {
public:
    deadline(
        const asio::any_io_executor& executor,
        std::chrono::milliseconds after,
        std::function<void()> expire
    )
        : timer_{executor, after}, state_{std::make_shared<state>()} {
        state_->expire = std::move(expire);
        timer_.async_wait([s = state_](const boost::system::error_code& ec) {
            if (!ec && s->armed) {
                s->expired = true;
                s->expire();
            }
        });
    }

    deadline(const deadline&) = delete;
    deadline& operator=(const deadline&) = delete;

    ~deadline() {
        state_->armed = false;
        timer_.cancel();
    }

    [[nodiscard]] bool expired() const { return state_->expired; }

private:
    struct state {
        bool armed = true;
        bool expired = false;
        std::function<void()> expire;
    };

    asio::steady_timer timer_;
    std::shared_ptr<state> state_;
};

}  // namespace farside::session
