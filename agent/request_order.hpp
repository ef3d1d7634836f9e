// The order of requests on one open file. Requests take effect as if one after the other, in the
// order of arrival; those whose effects cannot be told apart run at once. Loop thread only.
//
//     earlier \ later   observe  change  finish  take  put  close      (x: the later one waits)
//     observe              -        x       -      -     -     x
//     change               x        x       x      x     x     x
//     finish               -        -       -      -     -     x
//     take                 -        -       -      x     -     x
//     put                  -        -       -      -     x     x
//
// `take` and `put` are reads and writes of files without a position (FIFO, terminal, socket). They
// wait for their own kind only: a reader that blocks must not keep the writer away that it waits
// for. `finish` is what needs the changes before it and is not waited for: fsync, a lock that
// blocks.
#pragma once

#include <cstdint>
#include <functional>
#include <list>

namespace farside::agent {

enum class order_class : std::uint8_t {
    none,  // only keeps the file open, as the base of a path: in no order, has no ticket
    observe,
    change,
    finish,
    take,
    put,
    close,
};

class request_order {
public:
    struct entry {
        order_class what{};
        std::function<void()> start;  // none: has started
    };

    using ticket = std::list<entry>::iterator;

    // Whether a request could run to its end now, without a ticket.
    [[nodiscard]] bool idle_for(order_class what) const;

    // The caller's turn begins now if the ticket has started, else when `start` is called.
    [[nodiscard]] ticket enter(order_class what, std::function<void()> start);

    [[nodiscard]] static bool started(ticket t) { return !t->start; }

    // The request is done, or given up before its turn.
    void leave(ticket t);

private:
    [[nodiscard]] static bool conflict(order_class earlier, order_class later);
    [[nodiscard]] bool blocked(std::list<entry>::const_iterator end, order_class what) const;

    std::list<entry> entries_;  // by arrival
};

}  // namespace farside::agent
