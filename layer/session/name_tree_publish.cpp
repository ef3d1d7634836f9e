// What holds is put where covered processes read it. They do not check what walk does, so what they
// must not rely on is not put: names of a directory that may not be searched, links that may not be
// followed.
#include "layer/session/cache_writer.hpp"
#include "layer/session/kernel_structs.hpp"
#include "layer/session/name_tree.hpp"

namespace farside::session {

void name_tree::publish_node(const name_node& node) {
    if (shared_ == nullptr) {
        return;
    }
    cache_writer::node_record record;
    const struct statx attributes = to_statx(node.attr);
    if (node.covered) {
        record.attributes = &attributes;
    }
    record.plain = node.plain;
    record.complete = node.leased && node.leased->complete && searchable(node);
    if (node.parent != nullptr && !may_be_refused(*node.parent, node)) {
        record.link = node.link;
    }
    if (node.covered || record.complete || !record.link.empty()) {
        shared_->put_node(node.id, record);
    } else {
        shared_->remove_node(node.id);
    }
}

void name_tree::publish_name(
    const name_node& directory, std::string_view name, const name_node* child
) {
    if (shared_ != nullptr) {
        shared_->put_name(directory.id, name, child == nullptr ? segment::no_node : child->id);
    }
}

void name_tree::retract_name(const name_node& directory, std::string_view name) {
    if (shared_ != nullptr) {
        shared_->remove_name(directory.id, name);
    }
}

void name_tree::retract_node(const name_node& node) {
    if (shared_ != nullptr) {
        shared_->remove_node(node.id);
    }
}

}  // namespace farside::session
