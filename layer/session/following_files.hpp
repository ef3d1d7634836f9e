// The files that whoever reads a tree comes to next: those behind one file in its directory and,
// where asked, in the directories below and beside it, each where it stands among the entries, as
// fts(3) goes. Of directories all of whose names are known; others are passed over.
//
// Only as long as the names do not change: for use at once.
#pragma once

#include "layer/session/name_tree.hpp"

#include <cstddef>
#include <vector>

namespace farside::session {

class following_files {
public:
    static constexpr std::size_t visited_max = 16384;  // entries
    static constexpr std::size_t depth_max = 64;

    enum class order : bool { as_listed, by_name };
    enum class reach : bool { directory, tree };

    // Those behind `file`. REQUIRES: it has a parent, which is leased and complete.
    static following_files behind(const name_tree& tree, const name_node& file, order o, reach r);

    // All of the directory, or of the tree below it. REQUIRES: it is leased and complete.
    static following_files within(const name_tree& tree, name_node& directory, order o, reach r);

    // A regular file; null: there is none, or too much lies before it.
    [[nodiscard]] const name_node* next();

private:
    struct level {
        name_node* directory = nullptr;
        std::vector<name_node*> entries;
        std::size_t at = 0;
    };

    following_files(const name_tree& tree, order o, reach r) : tree_{tree}, order_{o}, reach_{r} {}

    void enter(name_node& directory);
    void enter_behind(const name_node& entry);
    void leave();

    const name_tree& tree_;
    order order_;
    reach reach_;
    bool leaves_ = false;  // goes on above where it began
    std::vector<level> levels_;
    std::size_t visited_ = 0;
};

}  // namespace farside::session
