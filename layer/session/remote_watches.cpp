// Adding, removing and noticing that nobody is left; what events do is in
// remote_watches_events.cpp.
#include "layer/session/remote_watches.hpp"

#include "layer/session/inotify_descriptors.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>

namespace farside::session {

class remote_watches::use {
public:
    use(remote_watches& all, instance& in) : all_{all}, in_{in} { ++in_.calls; }

    use(const use&) = delete;
    use& operator=(const use&) = delete;

    ~use() {
        --in_.calls;
        all_.forget_if_idle(in_);
    }

private:
    remote_watches& all_;
    instance& in_;
};

remote_watches::remote_watches(
    task_group& tasks,
    agent_link& link,
    std::atomic<std::uint32_t>& count,
    std::function<bool(pid_t)> matters
)
    : tasks_{tasks},
      link_{link},
      count_{count},
      matters_{std::move(matters)},
      first_watches_{tasks.executor()} {
    agent_link::watchers who;
    who.happened = [this](const protocol::watch_events& told) { happened(told); };
    who.lost = [this] { lost(); };
    link_.tell(std::move(who));
}

remote_watches::~remote_watches() {
    link_.tell(agent_link::watchers{});
}

void remote_watches::stop() {
    stopped_ = true;
    next_look_.reset();
}

remote_watches::instance_ptr remote_watches::find(int inotify) const {
    const auto is_shadow = [this](std::uint64_t inode) { return by_inode_.contains(inode); };
    const auto inode = watched_inode(inotify, shadows_.device(), is_shadow);
    return inode ? by_inode_.at(*inode) : nullptr;
}

awaitable<std::int64_t> remote_watches::add(
    incoming_call& call, const protocol::location& at, std::uint32_t mask
) {
    if (!call.descriptor || !is_inotify(call.descriptor.get())) {
        co_return call.descriptor ? -EINVAL : -EBADF;
    }
    if (const int failed = shadows_.open()) {
        co_return -failed;
    }
    auto first = co_await first_watches_.lock();
    instance_ptr in = find(call.descriptor.get());
    if (in) {
        first = async_mutex::guard{};
    } else if (instances_.size() == instances_max) {
        co_return -ENOSPC;
    } else {
        look_for_holders();
        in = std::make_shared<instance>(tasks_.executor(), ++last_id_, std::move(call.descriptor));
        instances_.emplace(last_id_, in);
        count_instances();
    }
    const use in_hand{*this, *in};
    const auto turn = co_await in->turns.lock();
    std::int64_t result = -EIO;
    reply_collector<protocol::watch_add> reply;
    reply.arrived = [&](const protocol::watch_add_reply& told) { result = begin(*in, told); };
    protocol::watch_add request;
    request.at = at;
    request.instance = in->id;
    request.mask = mask;
    in->adding = true;
    const auto ec = co_await link_.call(request, reply, call.caller);
    in->adding = false;
    release(*in);
    if (ec) {
        result = -(ec.category() == boost::system::system_category() ? ec.value() : EIO);
    }
    co_return result;
}

// The agent has a watch; now the program gets one, unless it is the same.
std::int64_t remote_watches::begin(instance& in, const protocol::watch_add_reply& told) {
    const auto known = in.shadows.find(told.watch);
    if (known != in.shadows.end()) {
        return known->second.watch;
    }
    shadow made;
    const auto kind = told.directory ? shadow_kind::directory : shadow_kind::file;
    if (const int failed = shadows_.make(in.inotify.get(), kind, made)) {
        protocol::watch_remove request;
        request.instance = in.id;
        request.watch = told.watch;
        tasks_.spawn(send(request));
        return -failed;
    }
    by_inode_.emplace(made.inode, instances_.at(static_cast<std::uint64_t>(in.id)));
    in.agents.emplace(made.watch, told.watch);
    const auto watch = made.watch;
    in.shadows.emplace(told.watch, std::move(made));
    in.adding = false;
    release(in);
    return watch;
}

awaitable<std::optional<std::int64_t>> remote_watches::remove(
    incoming_call& call, std::int32_t watch
) {
    const instance_ptr in = call.descriptor ? find(call.descriptor.get()) : nullptr;
    if (!in) {
        co_return std::nullopt;
    }
    const use in_hand{*this, *in};
    const auto turn = co_await in->turns.lock();
    const auto known = in->agents.find(watch);
    if (known == in->agents.end()) {
        co_return std::nullopt;
    }
    protocol::watch_remove request;
    request.instance = in->id;
    request.watch = known->second;
    reply_collector<protocol::watch_remove> reply;
    const auto ec = co_await link_.call(request, reply, call.caller);
    const bool left = in->shadows.contains(request.watch);
    if (left && ec && link_.usable()) {
        co_return -std::int64_t{ec.value()};  // a signal came before the agent was asked
    }
    if (left) {
        end(*in, request.watch);
    }
    // It is gone otherwise: IN_IGNORED came before the answer, or before the question.
    co_return ec&& link_.usable() ? -EINVAL : 0;
}

// Ends the program's watch; the kernel tells it IN_IGNORED unless it did already.
void remote_watches::end(instance& in, std::int32_t agents_number) {
    const auto found = in.shadows.find(agents_number);
    assert(found != in.shadows.end());
    shadows_.remove(found->second);
    by_inode_.erase(found->second.inode);
    in.agents.erase(found->second.watch);
    in.shadows.erase(found);
}

void remote_watches::forget_if_idle(instance& in) {
    const auto id = static_cast<std::uint64_t>(in.id);
    if (in.calls > 0 || !in.shadows.empty() || instances_.erase(id) == 0) {
        return;
    }
    count_instances();
    if (link_.usable()) {
        protocol::watch_close request;
        request.instance = protocol::instance_id{id};
        tasks_.spawn(send(request));
    }
}

void remote_watches::count_instances() {
    count_.store(static_cast<std::uint32_t>(instances_.size()), std::memory_order_release);
}

template <typename Request>
awaitable<> remote_watches::send(Request request) {
    link_caller nobody{session_stats::waited::no};
    reply_collector<Request> reply;
    // A watch or instance that is not there any more is what was asked for.
    co_await link_.call(request, reply, nobody);
}

template awaitable<> remote_watches::send(protocol::watch_remove request);

// ---- nobody left ----

void remote_watches::look_for_holders() {
    if (!instances_.empty() && !stopped_ && !(next_look_ && !next_look_->expired())) {
        look_after(std::max(std::chrono::milliseconds{1}, rest_));
    }
}

void remote_watches::look_after(std::chrono::milliseconds pause) {
    next_look_.emplace(tasks_.executor(), pause, [this] { look(); });
}

void remote_watches::look() {
    using clock = std::chrono::steady_clock;
    const auto begin = clock::now();
    const auto held = inodes_watched_elsewhere(shadows_.device(), matters_);
    rest_ = std::chrono::duration_cast<std::chrono::milliseconds>(
        rest_per_look * (clock::now() - begin)
    );
    if (!held) {
        return;
    }
    bool suspects = false;
    std::vector<instance_ptr> left;
    for (const auto& [id, in] : instances_) {
        const auto is_held = [&](const auto& entry) { return held->contains(entry.second.inode); };
        const bool in_use =
            in->calls > 0 || std::any_of(in->shadows.begin(), in->shadows.end(), is_held);
        if (!in_use && in->suspect) {
            left.push_back(in);
        }
        in->suspect = !in_use;
        suspects = suspects || in->suspect;
    }
    for (const auto& in : left) {
        while (!in->shadows.empty()) {
            end(*in, in->shadows.begin()->first);
        }
        forget_if_idle(*in);
    }
    if (suspects && !instances_.empty()) {
        look_after(std::max(second_look_after, rest_));
    }
}

}  // namespace farside::session
