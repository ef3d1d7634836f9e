// Workers: started when needed, bounded, interruptible without hitting others, each with its own
// umask.
#include "agent/blocking_pool.hpp"

#include "protocol/support/unique_fd.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <future>
#include <latch>

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

namespace farside::agent {
namespace {

// The pool's mask is that of the thread that makes it: kept off the test's main thread.
class BlockingPool : public testing::Test {
protected:
    static void SetUpTestSuite() { blocking_pool::install_interrupt_handler(); }

    BlockingPool() {
        int ends[2] = {-1, -1};
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        reader_ = unique_fd{ends[0]};
        writer_ = unique_fd{ends[1]};
    }

    struct pending {
        std::shared_ptr<blocking_pool::job> job = std::make_shared<blocking_pool::job>();
        std::promise<void> promise;
        std::future<void> done = promise.get_future();
    };

    static std::unique_ptr<pending> job_of(std::function<void()> run) {
        auto made = std::make_unique<pending>();
        made->job->run = std::move(run);
        made->job->done = [p = made.get()] { p->promise.set_value(); };
        return made;
    }

    // Reads a byte of the pipe, so it waits for one, or for a signal.
    std::unique_ptr<pending> blocked(int& failure) {
        return job_of([this, &failure] {
            char byte = 0;
            failure = ::read(reader_.get(), &byte, 1) < 0 ? errno : 0;
        });
    }

    void write_byte() const { EXPECT_EQ(::write(writer_.get(), "x", 1), 1); }

    creation_mask mask_ = std::async(std::launch::async, creation_mask::of_process).get();
    unique_fd reader_;
    unique_fd writer_;
};

TEST_F(BlockingPool, RunsJobsBesideEachOther) {
    blocking_pool pool{{4, 0}, mask_};
    std::latch all_there{4};
    std::vector<std::unique_ptr<pending>> jobs;
    for (int i = 0; i < 4; ++i) {
        jobs.push_back(job_of([&] { all_there.arrive_and_wait(); }));
        ASSERT_TRUE(pool.submit(jobs.back()->job));
    }
    for (const auto& job : jobs) {
        job->done.get();
    }
}

TEST_F(BlockingPool, WithoutAQueueTakesWhatAWorkerIsFreeFor) {
    blocking_pool pool{{2, 0}, mask_};
    int failures[2] = {};
    const auto first = blocked(failures[0]);
    const auto second = blocked(failures[1]);
    ASSERT_TRUE(pool.submit(first->job));
    ASSERT_TRUE(pool.submit(second->job));
    const auto third = job_of([] {});
    EXPECT_FALSE(pool.submit(third->job));
    write_byte();
    write_byte();
    first->done.get();
    second->done.get();
    EXPECT_TRUE(pool.submit(third->job));
    third->done.get();
}

TEST_F(BlockingPool, QueuesAsMuchAsItMay) {
    blocking_pool pool{{1, 2}, mask_};
    int failure = 0;
    const auto first = blocked(failure);
    ASSERT_TRUE(pool.submit(first->job));
    std::vector<int> order;
    const auto second = job_of([&] { order.push_back(2); });
    const auto third = job_of([&] { order.push_back(3); });
    EXPECT_TRUE(pool.submit(second->job));
    EXPECT_TRUE(pool.submit(third->job));
    EXPECT_FALSE(pool.submit(job_of([] {})->job));
    write_byte();
    third->done.get();
    EXPECT_EQ(order, (std::vector{2, 3}));
    first->done.get();
    second->done.get();
}

TEST_F(BlockingPool, InterruptsTheJobThatIsMeant) {
    blocking_pool pool{{2, 0}, mask_};
    int failures[2] = {};
    const auto first = blocked(failures[0]);
    const auto second = blocked(failures[1]);
    ASSERT_TRUE(pool.submit(first->job));
    ASSERT_TRUE(pool.submit(second->job));
    // Repeated, since the worker may not have come to its system call yet.
    while (first->done.wait_for(std::chrono::milliseconds{1}) != std::future_status::ready) {
        pool.interrupt(*first->job);
    }
    EXPECT_EQ(failures[0], EINTR);
    pool.interrupt(*first->job);  // it is done: nobody is hit
    write_byte();
    second->done.get();
    EXPECT_EQ(failures[1], 0);
}

TEST_F(BlockingPool, WorkersHaveUmasksOfTheirOwn) {
    const farside::test::temp_dir directory;
    blocking_pool pool{{2, 0}, mask_};
    std::latch both_set{2};
    const auto create = [&](const char* name, std::uint32_t umask) {
        return job_of([&, name, umask] {
            const auto mode = mask_.apply(0666, umask);
            both_set.arrive_and_wait();
            const auto path = (directory.path() / name).string();
            const unique_fd file{::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, mode)};
        });
    };
    const auto open = create("open", 0);
    const auto closed = create("closed", 077);
    ASSERT_TRUE(pool.submit(open->job));
    ASSERT_TRUE(pool.submit(closed->job));
    open->done.get();
    closed->done.get();
    const auto mode_of = [&](const char* name) {
        struct stat told {};

        ::stat((directory.path() / name).c_str(), &told);
        return told.st_mode & 0777U;
    };
    EXPECT_EQ(mode_of("open"), 0666U);
    EXPECT_EQ(mode_of("closed"), 0600U);
}

TEST_F(BlockingPool, LetsGoOfWhatAJobHoldsBeforeItIsDone) {
    blocking_pool pool{{1, 0}, mask_};
    auto held = std::make_shared<int>(7);
    std::weak_ptr<int> watch = held;
    bool gone = false;
    auto job = std::make_shared<blocking_pool::job>();
    std::promise<void> done;
    job->run = [kept = std::move(held)] {};
    job->done = [&] {
        gone = watch.expired();
        done.set_value();
    };
    ASSERT_TRUE(pool.submit(std::move(job)));
    done.get_future().get();
    EXPECT_TRUE(gone);
}

}  // namespace
}  // namespace farside::agent
