// All files of the target that are mapped with MAP_SHARED, by the file behind the name: device and
// inode. Every call that reads or changes such a file goes through its image, so that mappings and
// calls of covered processes see one file. What changes without a call is found by looking, at the
// latest `interval` after it happened: stores that have not reached the target, changes made there
// by others, mappings that ended with their process.
#pragma once

#include "layer/session/notice.hpp"
#include "layer/session/shared_image.hpp"
#include "layer/session/task_group.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace farside::session {

namespace limits {

// Files mapped at once; two descriptors and two mappings each.
inline constexpr std::size_t mapped_files_max = 4096;
// Of one mapped file, and of all. They lie in this machine's memory twice, less their holes.
inline constexpr std::uint64_t mapped_file_bytes_max = std::uint64_t{2} << 30U;
inline constexpr std::uint64_t mapped_bytes_max = std::uint64_t{4} << 30U;

}  // namespace limits

// An image and the turn to use it; nothing where the file is not mapped.
struct held_image {
    std::shared_ptr<shared_image> image;
    async_mutex::guard turn;

    explicit operator bool() const { return image != nullptr; }

    shared_image* operator->() const { return image.get(); }

    // The turn first: it is the image's.
    void release() {
        turn = {};
        image = nullptr;
    }
};

class shared_maps {
public:
    shared_maps(task_group& tasks, agent_link& link, notices& user);

    shared_maps(const shared_maps&) = delete;
    shared_maps& operator=(const shared_maps&) = delete;

    // Begins to look.
    void start();

    [[nodiscard]] bool empty() const { return images_.empty(); }

    // Whether the file is mapped, or about to be.
    [[nodiscard]] bool maps(const file_identity& identity) const {
        return images_.contains(identity);
    }

    awaitable<held_image> hold(file_identity identity);
    // By the number that map() told.
    awaitable<held_image> hold(std::uint64_t number);

    struct mapped {
        int failure = 0;  // errno
        unique_fd descriptor;
        std::uint64_t image = 0;
    };

    // A descriptor to map the file through. REQUIRES: a regular file, open for reading.
    awaitable<mapped> map(std::shared_ptr<open_file> file);

    // Around a call that changes a file, which may be mapped or come to be mapped meanwhile.
    // `extent` says whether the image is told what changed (written(), its size) or must ask;
    // `stores`, whether those made before must have come to the file first.
    enum class extent { known, unknown };
    enum class stores { stay, first };
    awaitable<held_image> begin_change(file_identity identity, stores before);
    awaitable<> end_change(const held_image& held, file_identity identity, extent what);

    // Brings the stores into one file, or into all, to the target. An errno, or 0.
    awaitable<int> write_back(file_identity identity);
    awaitable<int> write_back_all();

    // Files of the inode that were kept open for mappings which have ended: what was stored is
    // written, and nobody here uses them any more.
    awaitable<std::vector<std::shared_ptr<open_file>>> take_ended(file_identity identity);

    // Mappings may have ended: looks soon.
    void hurry();

    // No process is left: the last stores go to the target; those that cannot are told of.
    awaitable<> finish();

    void stop();

private:
    using clock = std::chrono::steady_clock;

    // Comparing costs memory bandwidth: it never takes more than a twentieth of the time.
    static constexpr clock::duration interval = std::chrono::milliseconds{250};
    static constexpr clock::duration hurried = std::chrono::milliseconds{5};
    static constexpr int idle_share = 20;

    struct entry {
        std::shared_ptr<shared_image> image;
        clock::time_point next_look{};
    };

    [[nodiscard]] std::vector<std::shared_ptr<shared_image>> all() const;
    [[nodiscard]] std::shared_ptr<shared_image> find(const file_identity& identity) const;
    [[nodiscard]] std::shared_ptr<shared_image> find(std::uint64_t number) const;
    template <typename Key>
    awaitable<held_image> hold_found(Key key);
    awaitable<held_image> hold_or_add(file_identity identity);
    // Whether the image is still the one of its file.
    [[nodiscard]] bool is_current(const shared_image& image) const;
    [[nodiscard]] std::uint64_t bytes_left() const;
    awaitable<int> fill(shared_image& image, std::shared_ptr<open_file> file);
    awaitable<> look_regularly();
    awaitable<> tend(std::shared_ptr<shared_image> image);
    bool give_up_unused(shared_image& image);
    void complain(const shared_image& image, int failure);

    task_group& tasks_;
    agent_link& link_;
    notices& user_;
    std::map<file_identity, entry> images_;
    std::uint64_t last_number_ = 0;
    async_event needed_;
    asio::steady_timer pause_;
    clock::duration next_pause_ = interval;
    bool hurry_ = false;
    bool stopped_ = false;
};

}  // namespace farside::session
