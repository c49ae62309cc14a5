/// \file
/// How far times may go, by its short name.
#pragma once

#include "backend/timing/TimeLimit.h"

namespace acadlc::aidg {

using timing::timeLimit;

} // namespace acadlc::aidg
