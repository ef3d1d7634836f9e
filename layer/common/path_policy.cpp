#include "layer/common/path_policy.hpp"
