// Who has an image, and when it is looked at.
#include "layer/session/shared_maps.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace farside::session {

shared_maps::shared_maps(task_group& tasks, agent_link& link, notices& user)
    : tasks_{tasks},
      link_{link},
      user_{user},
      needed_{tasks.executor()},
      pause_{tasks.executor()} {}

void shared_maps::start() {
    tasks_.spawn(look_regularly());
}

void shared_maps::stop() {
    stopped_ = true;
    images_.clear();
    needed_.notify();
    pause_.cancel();
}

// ---- finding ----

std::shared_ptr<shared_image> shared_maps::find(const file_identity& identity) const {
    const auto found = images_.find(identity);
    return found == images_.end() ? nullptr : found->second.image;
}

std::shared_ptr<shared_image> shared_maps::find(std::uint64_t number) const {
    for (const auto& [identity, held] : images_) {
        if (held.image->number() == number) {
            return held.image;
        }
    }
    return nullptr;
}

bool shared_maps::is_current(const shared_image& image) const {
    return find(image.identity()).get() == &image;
}

std::vector<std::shared_ptr<shared_image>> shared_maps::all() const {
    std::vector<std::shared_ptr<shared_image>> images;
    for (const auto& [identity, held] : images_) {
        images.push_back(held.image);
    }
    return images;
}

// An image may be given up while its turn is waited for: then there may be a new one.
template <typename Key>
awaitable<held_image> shared_maps::hold_found(Key key) {
    held_image held;
    while (auto image = find(key)) {
        held.turn = co_await image->turn.lock();
        held.image = std::move(image);
        if (is_current(*held.image)) {
            co_return held;
        }
        held.release();
    }
    co_return held;
}

awaitable<held_image> shared_maps::hold(file_identity identity) {
    return hold_found(identity);
}

awaitable<held_image> shared_maps::hold(std::uint64_t number) {
    return hold_found(number);
}

awaitable<held_image> shared_maps::hold_or_add(file_identity identity) {
    held_image held;
    while (!held) {
        if (!images_.contains(identity)) {
            if (images_.size() >= limits::mapped_files_max) {
                break;
            }
            const auto& executor = tasks_.executor();
            auto image = std::make_shared<shared_image>(executor, link_, identity, ++last_number_);
            images_[identity].image = std::move(image);
            needed_.notify();
        }
        held = co_await hold_found(identity);
    }
    co_return held;
}

// ---- mapping ----

std::uint64_t shared_maps::bytes_left() const {
    std::uint64_t used = 0;
    for (const auto& [identity, held] : images_) {
        used += held.image->size();
    }
    return limits::mapped_bytes_max - std::min(used, limits::mapped_bytes_max);
}

awaitable<int> shared_maps::fill(shared_image& image, std::shared_ptr<open_file> file) {
    const std::string path = file->path;
    if (image.is_loaded()) {
        const int failed = co_await image.refresh();
        co_return failed;
    }
    const auto bytes_max = std::min(bytes_left(), limits::mapped_file_bytes_max);
    const int failed = co_await image.load(std::move(file), bytes_max);
    if (failed != 0 && is_current(image)) {
        images_.erase(image.identity());
    }
    if (failed == EFBIG) {
        user_.say(path + " is too large to be mapped shared");
        co_return ENOMEM;
    }
    co_return failed;
}

awaitable<shared_maps::mapped> shared_maps::map(std::shared_ptr<open_file> file) {
    mapped answer;
    auto held = co_await hold_or_add(file->identity);
    if (!held) {
        answer.failure = ENFILE;
        co_return answer;
    }
    answer.failure = co_await fill(*held.image, file);
    if (answer.failure != 0) {
        co_return answer;
    }
    answer.descriptor = held->add_mapping(std::move(file));
    answer.failure = answer.descriptor ? 0 : errno;
    answer.image = held->number();
    co_return answer;
}

awaitable<held_image> shared_maps::begin_change(file_identity identity, stores before) {
    auto held = co_await hold(identity);
    if (held && before == stores::first) {
        // What cannot be written now is tried again; the call has an outcome of its own.
        co_await held->write_back();
    }
    if (held) {
        co_await held->begin_change();
    }
    co_return held;
}

awaitable<> shared_maps::end_change(const held_image& held, file_identity identity, extent what) {
    if (held) {
        if (what == extent::unknown) {
            held->doubt();
        }
        co_await held->end_change();
        co_return;
    }
    // The image that somebody made while the call was under way may hold either state.
    const auto made_meanwhile = co_await hold(identity);
    if (made_meanwhile) {
        made_meanwhile->doubt();
        co_await made_meanwhile->end_change();
    }
}

// ---- stores ----

void shared_maps::complain(const shared_image& image, int failure) {
    user_.say(
        "what was stored into the mapping of " + image.path() +
        " cannot be written: " + std::generic_category().message(failure) + "; it is tried again"
    );
}

awaitable<int> shared_maps::write_back(file_identity identity) {
    auto held = co_await hold(identity);
    if (!held) {
        co_return 0;
    }
    const int failed = co_await held->write_back();
    co_return failed;
}

awaitable<int> shared_maps::write_back_all() {
    int first_failure = 0;
    for (const auto& image : all()) {
        const int failed = co_await write_back(image->identity());
        first_failure = first_failure != 0 ? first_failure : failed;
    }
    co_return first_failure;
}

awaitable<> shared_maps::finish() {
    for (const auto& image : all()) {
        const auto turn = co_await image->turn.lock();
        const int failed = co_await image->write_back();
        if (failed != 0 && image->differs()) {
            user_.say(
                "what was stored into the mapping of " + image->path() +
                " is lost: " + std::generic_category().message(failed)
            );
        }
        if (is_current(*image)) {
            images_.erase(image->identity());
        }
    }
}

// ---- looking ----

void shared_maps::hurry() {
    if (!images_.empty() && !hurry_) {
        hurry_ = true;
        pause_.cancel();
    }
}

awaitable<> shared_maps::look_regularly() {
    while (!stopped_) {
        if (images_.empty()) {
            co_await needed_.wait();
            continue;
        }
        if (!hurry_) {
            pause_.expires_after(next_pause_);
            co_await pause_.async_wait(as_result);
        }
        if (std::exchange(hurry_, false) && !stopped_) {
            pause_.expires_after(hurried);
            co_await pause_.async_wait(as_result);
        }
        clock::duration scanned{};
        for (const auto& image : all()) {
            co_await tend(image);
            scanned += image->scan_time();
        }
        next_pause_ = std::max<clock::duration>(interval, idle_share * scanned);
    }
}

awaitable<std::vector<std::shared_ptr<open_file>>> shared_maps::take_ended(file_identity identity) {
    const auto held = co_await hold(identity);
    if (!held || !held->is_loaded()) {
        co_return std::vector<std::shared_ptr<open_file>>{};
    }
    auto ended = held->drop_ended();
    if (!ended.empty()) {
        // What cannot be written now is tried again, through its file.
        co_await held->write_back();
        give_up_unused(*held.image);
    }
    co_return ended;
}

// False: the image is no more.
bool shared_maps::give_up_unused(shared_image& image) {
    if (!image.differs()) {
        const bool serves = image.is_mapped();
        image.let_files_go();
        if (!serves && is_current(image)) {
            images_.erase(image.identity());
        }
    }
    return is_current(image);
}

awaitable<> shared_maps::tend(std::shared_ptr<shared_image> image) {
    const auto turn = co_await image->turn.lock();
    if (!is_current(*image) || !image->is_loaded()) {
        co_return;
    }
    image->drop_ended();
    const int failed = co_await image->write_back();
    if (failed != 0 && link_.usable()) {
        complain(*image, failed);
    }
    if (!is_current(*image)) {
        co_return;
    }
    if (!give_up_unused(*image)) {
        co_return;
    }
    auto& held = images_.at(image->identity());
    const auto begin = clock::now();
    if (begin >= held.next_look) {
        co_await image->refresh();
        const auto found = images_.find(image->identity());
        if (found != images_.end()) {
            found->second.next_look = clock::now() + idle_share * (clock::now() - begin);
        }
    }
}

}  // namespace farside::session
