// Every limit of the agent that is not the wire's (protocol/limits.hpp), named once. Units are in
// the names.
#pragma once

#include <cstdint>

namespace farside::agent::limits {

// Reads and writes up to this much of a regular file run on the loop thread: at memory speed they
// cost less than a hop to a worker and back (about 40 us).
inline constexpr std::uint32_t inline_bytes_max = 64 * 1024;

// Workers for calls that end in bounded time but may take long: bulk reads and writes, fsync.
inline constexpr std::uint32_t disk_workers_max = 8;

// Workers for calls on file systems that may hang: network file systems, FUSE, procfs and the like.
inline constexpr std::uint32_t foreign_workers_max = 32;

// Workers for calls that wait for somebody else by design: FIFOs, terminals, sockets, locks. There
// is no queue in front of them: what waits there could wait for the very call that is queued behind
// it.
inline constexpr std::uint32_t patient_workers_max = 256;

// Calls that may queue for a worker of the first two kinds, over all clients; more get EAGAIN.
inline constexpr std::uint32_t queued_calls_max = 65536;

// Record locks of processes, of one client: owners, pairs of an owner and a file that it has locked
// (each takes a descriptor), ranges of such a pair. What does not fit is ENOLCK.
inline constexpr std::uint32_t lock_owners_max = 65536;
inline constexpr std::uint32_t lock_files_max = 16384;
inline constexpr std::uint32_t lock_ranges_max = 65536;

// copy_file_range(2) copies at most this much in one call, and may always copy less.
inline constexpr std::uint64_t copy_bytes_max = 64ULL * 1024 * 1024;

// Of one client: inotify instances, and watches in all of them together. The kernel has limits of
// its own, per user.
inline constexpr std::uint32_t watch_instances_max = 128;
inline constexpr std::uint32_t watches_max = 256 * 1024;

// Events that are taken from the kernel for one write; what is left waits there, where its queue is
// bounded too.
inline constexpr std::uint32_t event_bytes_max = 512 * 1024;

// Leases of one client, of directories and of files; also at most half of the handles it may have,
// of the descriptors of this process and of the kernel's watches. What is above is not leased.
inline constexpr std::uint32_t leases_max = 32768;

// A frame of a listing is closed above this many bytes, and after so much work: a directory that is
// to be watched counts as several files. Between two frames others have their turn: whoever waits
// for a lease to be given up, above all.
inline constexpr std::uint32_t lease_frame_bytes = 64 * 1024;
inline constexpr std::uint32_t lease_frame_steps = 256;
inline constexpr std::uint32_t directory_steps = 8;

// A name that changes more often than so many times in a window is told as unknown, once, and then
// no more until somebody asks for it.
inline constexpr std::uint32_t notices_per_window_max = 8;
inline constexpr std::uint32_t notice_window_ms = 20;

// Names of one directory whose recent notices are remembered; with more of them its lease ends.
inline constexpr std::uint32_t noted_names_max = 4096;

// Changed names that are looked at for one write; what is left stays in the kernel's queue.
inline constexpr std::uint32_t changed_names_max = 2048;

// Clients of a listening agent at once.
inline constexpr std::uint32_t clients_max = 64;

// How long accepting rests when the process has no descriptor for another client.
inline constexpr std::uint32_t accept_pause_ms = 100;

// How often a blocked worker whose call was cancelled is signalled until it notices.
inline constexpr std::uint32_t interrupt_interval_ms = 5;

// How long a connection that ends may take to deliver what it still has to say.
inline constexpr std::uint32_t farewell_timeout_ms = 2'000;

// How long the agent waits at its end for calls that cannot be interrupted (a dead network file
// system); then it ends without them.
inline constexpr std::uint32_t shutdown_timeout_ms = 5'000;

// The Docker Engine's answer: whole, and its body.
inline constexpr std::uint32_t engine_timeout_ms = 10'000;
inline constexpr std::uint32_t engine_answer_bytes_max = 4 * 1024 * 1024;

}  // namespace farside::agent::limits
