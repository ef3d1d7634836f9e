// A case: a name, what it does, and where it means something. The lists of the families together
// are THE table of cases; each runs natively, through an agent and through the layer, and must
// leave the same transcript and the same tree.
#pragma once

#include "tests/conformance/needs.hpp"
#include "tests/conformance/transcript.hpp"

#include <span>
#include <string_view>
#include <vector>

namespace farside::conformance {

struct conformance_case {
    std::string_view name;  // "family.behaviour"
    void (*run)(transcript&);
    // Runs before, with all rights and straight on the tree: what a case finds and could not make.
    void (*prepare)(transcript&) = nullptr;
};

struct case_family {
    needs what;
    std::span<const conformance_case> cases;
};

// One per cases_*.cpp.
[[nodiscard]] case_family open_cases();
[[nodiscard]] case_family open_flag_cases();
[[nodiscard]] case_family io_cases();
[[nodiscard]] case_family vectored_io_cases();
[[nodiscard]] case_family size_cases();
[[nodiscard]] case_family name_cases();
[[nodiscard]] case_family rename_cases();
[[nodiscard]] case_family symlink_cases();
[[nodiscard]] case_family path_cases();
[[nodiscard]] case_family attribute_cases();
[[nodiscard]] case_family directory_cases();
[[nodiscard]] case_family descriptor_cases();
[[nodiscard]] case_family xattr_cases();
[[nodiscard]] case_family lock_cases();
[[nodiscard]] case_family record_lock_cases();
[[nodiscard]] case_family record_lock_process_cases();
[[nodiscard]] case_family fifo_cases();
[[nodiscard]] case_family permission_cases();
[[nodiscard]] case_family process_cases();
[[nodiscard]] case_family library_cases();
[[nodiscard]] case_family mapping_cases();
[[nodiscard]] case_family shared_mapping_cases();
[[nodiscard]] case_family call_cases();
[[nodiscard]] case_family splice_cases();
[[nodiscard]] case_family pointer_cases();
[[nodiscard]] case_family watch_cases();
[[nodiscard]] case_family open_pair_cases();
[[nodiscard]] case_family path_form_cases();
[[nodiscard]] case_family position_cases();
[[nodiscard]] case_family extent_cases();
[[nodiscard]] case_family status_cases();
[[nodiscard]] case_family listing_cases();
[[nodiscard]] case_family replacement_cases();
[[nodiscard]] case_family rights_cases();
[[nodiscard]] case_family xattr_value_cases();
[[nodiscard]] case_family fifo_end_cases();
[[nodiscard]] case_family descriptor_table_cases();
[[nodiscard]] case_family own_root_cases();
[[nodiscard]] case_family own_root_process_cases();
[[nodiscard]] case_family read_only_cases();
[[nodiscard]] case_family working_directory_cases();

// All of them, in a fixed order.
[[nodiscard]] const std::vector<case_family>& all_families();

// Null: no such case.
[[nodiscard]] const conformance_case* find_case(std::string_view name);

}  // namespace farside::conformance
