// Wiring.
#include "layer/session/session_core.hpp"

#include "protocol/handshake.hpp"

namespace farside::session {

session_core::session_core(
    task_group& tasks,
    shared_memory& memory,
    const path_policy& policy,
    int notice_descriptor,
    const name_cache::options& names,
    write_behind::mode writes
)
    : tasks_{tasks},
      memory_{memory},
      policy_{policy},
      user_{notice_descriptor},
      link_{tasks, stats_, user_},
      cache_{memory.cache()},
      names_{
          tasks,
          link_,
          stats_,
          [&memory] { return memory.shared().head.hits.load(std::memory_order_relaxed); },
          [&memory] {
              return memory.shared().head.watch_instances.load(std::memory_order_relaxed) != 0;
          },
          names},
      data_{
          tasks,
          link_,
          cache_,
          stats_,
          [this](protocol::handle_id handle) { close_handle(handle); }},
      siblings_{tasks, names_, data_},
      files_{
          tasks.executor(),
          memory.shared(),
          [this](protocol::handle_id handle) { close_handle(handle); }},
      paths_{policy, memory.view(), files_},
      descriptors_{
          tasks,
          files_,
          descriptor_locks{
              memory.template_descriptor(), memory.template_device(), memory.template_inode()}},
      maps_{tasks, link_, user_},
      watches_{
          tasks,
          link_,
          memory.shared().head.watch_instances,
          [this](pid_t pid) { return server_.knows(pid); }},
      locks_{tasks, link_, memory.view()},
      behind_{tasks, link_, stats_, user_, memory.shared().head.unsettled_writes, writes},
      server_{
          tasks,
          memory.shared(),
          memory.take_session_doorbell(),
          call_services{
              link_,
              files_,
              paths_,
              descriptors_,
              maps_,
              watches_,
              locks_,
              behind_,
              names_,
              data_,
              siblings_},
          stats_} {
    link_.when_ended([this] { cache_.close(); });
    files_.on_untold_failure([this](const open_file& file) { behind_.tell_user(file); });
    behind_.when_settled([this] { descriptors_.bytes_settled(); });
    names_.tree().publish_to(cache_);
    names_.mind(files_);
    name_tree::file_parts parts;
    parts.told = [this](const name_node& node, const protocol::leased_entry& told) {
        data_.adopt(node.id, told);
        siblings_.arrived(node.id);
    };
    names_.tree().hand_files_to(std::move(parts));
    agent_link::lease_holder holder;
    holder.changed = [this](const protocol::changes& notice) { data_.apply(notice); };
    holder.lost = [this] { data_.all_ended(); };
    link_.tell(agent_link::lease_of::files, std::move(holder));
}

awaitable<std::string> session_core::connect(
    stream_socket stream, std::string token, std::chrono::milliseconds patience
) {
    protocol::hello greeting;
    greeting.version_min = protocol::version_min;
    greeting.version_max = protocol::version_max;
    greeting.capabilities = protocol::capabilities;
    greeting.limits = protocol::own_limits();
    greeting.read_only = policy_.read_only();
    greeting.software = "farside";
    greeting.token = std::move(token);
    auto outcome = co_await link_.connect(std::move(stream), std::move(greeting), patience);
    co_return outcome.failure;
}

awaitable<> session_core::serve() {
    stats_.enter(session_stats::phase::program);
    descriptors_.start(memory_.template_descriptor());
    maps_.start();
    co_await server_.serve();
    co_await maps_.finish();
    link_caller nobody;
    co_await behind_.drain_all(nobody, write_behind::signals::wait);
    stats_.enter(session_stats::phase::session);
}

void session_core::stop() {
    server_.stop();
    descriptors_.stop();
    maps_.stop();
    watches_.stop();
    names_.stop();
    data_.stop();
    files_.clear();
    link_.stop();
}

void session_core::close_handle(protocol::handle_id handle) {
    if (link_.usable()) {
        tasks_.spawn(send_close(handle));
    }
}

awaitable<> session_core::send_close(protocol::handle_id handle) {
    link_caller nobody{session_stats::waited::no};
    protocol::close request;
    request.handle = handle;
    reply_collector<protocol::close> reply;
    // What was written behind is there: an error of close(2) has no one to go to.
    co_await link_.call(request, reply, nobody);
}

}  // namespace farside::session
