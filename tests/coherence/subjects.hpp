// What changes in the target while somebody looks at it, one subject for each way to change
// something: made by change(), told as text by look(). The writer and the reader share this list,
// so what the reader should have seen is what look() tells on the files themselves.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace farside::coherence {

class subject {
public:
    explicit subject(const char* name) : name_{name} {}

    subject(const subject&) = delete;
    subject& operator=(const subject&) = delete;
    virtual ~subject() = default;

    [[nodiscard]] const std::string& name() const { return name_; }

    // Before the first round.
    virtual void prepare(const std::string& root) = 0;

    // In round `round`, counted from 1; each round can be told from the one before it.
    virtual void change(const std::string& root, int round) = 0;

    // What there is to see of it in round `round`. Changes nothing.
    [[nodiscard]] virtual std::string look(const std::string& root, int round) = 0;

private:
    std::string name_;
};

// By what a reader learns that a round has begun.
class channel {
public:
    channel() = default;
    channel(const channel&) = delete;
    channel& operator=(const channel&) = delete;
    virtual ~channel() = default;

    virtual void prepare(const std::string& root) = 0;
    virtual void publish(const std::string& root, int round) = 0;
    [[nodiscard]] virtual bool published(const std::string& root, int round) = 0;
};

// Each caller gets subjects of its own: some keep files open.
[[nodiscard]] std::vector<std::unique_ptr<subject>> all_subjects();

[[nodiscard]] const std::vector<std::string>& channel_names();
[[nodiscard]] std::unique_ptr<channel> make_channel(const std::string& name);

}  // namespace farside::coherence
