#include "layer/common/exec_image.hpp"
