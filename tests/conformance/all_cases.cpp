// THE list of families.
#include "tests/conformance/conformance_case.hpp"

namespace farside::conformance {

const std::vector<case_family>& all_families() {
    static const std::vector<case_family> families{
        open_cases(),
        open_flag_cases(),
        io_cases(),
        vectored_io_cases(),
        size_cases(),
        name_cases(),
        rename_cases(),
        symlink_cases(),
        path_cases(),
        attribute_cases(),
        directory_cases(),
        descriptor_cases(),
        xattr_cases(),
        lock_cases(),
        record_lock_cases(),
        record_lock_process_cases(),
        fifo_cases(),
        permission_cases(),
        process_cases(),
        library_cases(),
        mapping_cases(),
        shared_mapping_cases(),
        call_cases(),
        splice_cases(),
        watch_cases(),
        pointer_cases(),
        working_directory_cases(),
        open_pair_cases(),
        path_form_cases(),
        position_cases(),
        extent_cases(),
        status_cases(),
        listing_cases(),
        replacement_cases(),
        rights_cases(),
        xattr_value_cases(),
        fifo_end_cases(),
        descriptor_table_cases(),
        own_root_cases(),
        own_root_process_cases(),
        read_only_cases(),
    };
    return families;
}

const conformance_case* find_case(std::string_view name) {
    for (const auto& family : all_families()) {
        for (const auto& it : family.cases) {
            if (it.name == name) {
                return &it;
            }
        }
    }
    return nullptr;
}

}  // namespace farside::conformance
