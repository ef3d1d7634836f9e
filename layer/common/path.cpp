#include "layer/common/path.hpp"
