// A path's walk through the tree, as the kernel's: where the tree cannot tell what the kernel would
// do, the answer is that it is unknown.
#include "layer/session/name_tree.hpp"
#include "protocol/limits.hpp"

#include <algorithm>
#include <utility>

#include <sys/stat.h>

namespace farside::session {

bool searchable(const name_node& directory) {
    constexpr std::uint32_t by_all = S_IXUSR | S_IXGRP | S_IXOTH;
    if ((directory.attr.mode & by_all) == by_all) {
        return true;
    }
    const auto& names = directory.leased->names;
    return !names.empty() && (!names.begin()->second || names.begin()->second->attr.mask != 0);
}

bool may_be_refused(const name_node& directory, const name_node& link) {
    constexpr std::uint32_t shared = S_ISVTX | S_IWOTH;
    return (directory.attr.mode & shared) == shared && directory.attr.uid != link.attr.uid;
}

namespace {

// One walk: where it has come to, and what is left of the path.
class walk {
public:
    walk(name_node* root, name_node* base, std::string_view path, last_link last)
        : root_{root}, at_{base}, text_{path}, last_{last} {
        start();
    }

    resolution run() {
        while (!ended_) {
            step();
        }
        return std::move(result_);
    }

private:
    using kind = resolution::kind;

    void end(kind what) {
        ended_ = true;
        result_.what = what;
    }

    void end_unknown(bool leasable) {
        end(kind::unknown);
        result_.directory = at_;
        result_.rest = text_.substr(begin_);
        result_.leasable = leasable;
    }

    // Its lease ended, or it never had one: the directory above may be asked for it anew.
    void end_unleased() {
        const bool above = at_->parent != nullptr && at_->parent->leased;
        end(kind::unknown);
        result_.leasable = !at_->refused && (above || at_ == root_);
        if (above) {
            result_.directory = at_->parent;
            result_.rest = std::string{at_->name} + '/' + text_.substr(begin_);
        } else {
            result_.rest = text_.substr(begin_);
        }
    }

    void start() {
        if (text_.starts_with('/')) {
            at_ = root_;
        }
        if (at_ == nullptr) {
            end_unknown(true);
        }
    }

    void step() {
        begin_ = text_.find_first_not_of('/', begin_);
        if (begin_ == std::string::npos) {
            arrive();
            return;
        }
        const auto end_of_name = std::min(text_.find('/', begin_), text_.size());
        const std::string_view name{text_.data() + begin_, end_of_name - begin_};
        if (at_->attr.mask == 0) {
            end_unknown(false);
        } else if (!at_->directory()) {
            end(kind::not_directory);
        } else if (!at_->leased) {
            end_unleased();
        } else if (!searchable(*at_)) {
            end_unknown(true);
        } else if (name == "." || name == "..") {
            climb(name, end_of_name);
        } else {
            descend(name, end_of_name);
        }
    }

    void climb(std::string_view name, std::size_t end_of_name) {
        if (name == ".." && at_ != root_) {
            if (at_->parent == nullptr) {
                end_unknown(false);
                return;
            }
            at_ = at_->parent;
        }
        begin_ = end_of_name;
    }

    void descend(std::string_view name, std::size_t end_of_name) {
        const auto& leased = *at_->leased;
        const auto found = leased.names.find(name);
        const bool told = found != leased.names.end();
        if ((!told && !leased.complete) || name.size() > protocol::limits::name_bytes_max) {
            end_unknown(true);
        } else if (!told || !found->second) {
            end(kind::missing);
            result_.directory = at_;
            result_.rest = text_.substr(begin_);
        } else if (found->second->symbolic_link() && follows(end_of_name)) {
            follow(*found->second, end_of_name);
        } else {
            at_ = found->second.get();
            begin_ = end_of_name;
        }
    }

    // A slash behind a last link makes it be followed, too.
    [[nodiscard]] bool follows(std::size_t end_of_name) const {
        return last_ == last_link::follow || end_of_name < text_.size();
    }

    void follow(const name_node& link, std::size_t end_of_name) {
        if (link.link.empty() || may_be_refused(*at_, link)) {
            end_unknown(false);
        } else if (++links_ > name_tree::links_max) {
            end(kind::loop);
        } else {
            text_ = link.link + text_.substr(end_of_name);
            begin_ = 0;
            start();
        }
    }

    void arrive() {
        if (text_.ends_with('/') && !at_->directory()) {
            if (at_->attr.mask == 0) {
                end_unknown(false);
            } else {
                end(kind::not_directory);
            }
            return;
        }
        end(kind::found);
        result_.node = at_;
    }

    name_node* root_;
    name_node* at_;
    std::string text_;
    std::size_t begin_ = 0;
    std::size_t links_ = 0;
    last_link last_;
    bool ended_ = false;
    resolution result_;
};

}  // namespace

resolution name_tree::resolve(name_node* base, std::string_view path, last_link last) {
    auto result = walk{root_.get(), base, path, last}.run();
    name_node* used = result.what == resolution::kind::found ? result.node : result.directory;
    if (used != nullptr) {
        use(*used);
    }
    return result;
}

}  // namespace farside::session
