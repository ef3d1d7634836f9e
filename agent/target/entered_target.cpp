// The one place that knows all kinds of targets.
#include "agent/target/entered_target.hpp"

#include "agent/target/engine.hpp"
#include "agent/target/process.hpp"
#include "agent/task_group.hpp"

#include <cstdlib>

namespace farside::agent {
namespace {

awaitable<void> ask_engine(
    const target_name& target, const engine_options& options, or_failure<int>& answer
) {
    answer = co_await find_container(target, options);
}

// On a loop of its own: nothing else happens before the target is entered.
or_failure<int> pid_of_container(const target_name& target) {
    const auto options = engine_options::from_environment(std::getenv("DOCKER_HOST"));
    if (!options) {
        return options.error();
    }
    or_failure<int> answer = failure{target.text + ": the Docker Engine could not be asked"};
    const logger log{log_level::error};
    asio::io_context loop{1};
    task_group tasks{loop.get_executor(), log};
    tasks.spawn(ask_engine(target, *options, answer));
    loop.run();
    return answer;
}

or_failure<entered_target> enter_directory(
    const target_name& name, const process_descriptors& descriptors, int start
) {
    auto root = root_dir::of_directory(descriptors, start, name.id);
    if (!root) {
        return failure{name.text + ": " + root.error().message()};
    }
    return entered_target{name, std::move(*root), {}};
}

}  // namespace

std::string entered_target::last_word() const {
    const bool container = name.kind == target_kind::docker;
    return name.text + (container ? ": the container ended" : ": the process ended");
}

or_failure<entered_target> enter_target(const std::string& text, process_descriptors& descriptors) {
    const unique_fd start = descriptors.take_start_directory();
    const auto name = parse_target(text);
    if (!name) {
        return name.error();
    }
    if (name->kind == target_kind::directory) {
        return enter_directory(*name, descriptors, start.get());
    }
    auto pid = or_failure<int>{name->pid};
    if (name->kind == target_kind::docker) {
        pid = pid_of_container(*name);
    }
    if (!pid) {
        return pid.error();
    }
    auto pidfd = enter_process(name->text, *pid, descriptors);
    if (!pidfd) {
        return pidfd.error();
    }
    return entered_target{*name, root_dir::of_process(descriptors), std::move(*pidfd)};
}

}  // namespace farside::agent
