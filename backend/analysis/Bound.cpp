#include "backend/analysis/Bound.h"

#include <algorithm>

namespace acadlc::analysis {

std::string_view boundKindName(BoundKind kind) {
  switch (kind) {
  case BoundKind::Compute:
    return "compute";
  case BoundKind::Memory:
    return "memory";
  case BoundKind::Fetch:
    return "fetch";
  case BoundKind::Dependence:
    return "dependence";
  case BoundKind::Stage:
    return "stage";
  }
  return "";
}

std::string withoutIndices(std::string_view name) {
  std::string result;
  for (std::size_t i = 0; i != name.size(); ++i) {
    result += name[i];
    if (name[i] != '[')
      continue;
    result += "*]";
    i = std::min(name.find(']', i), name.size() - 1);
  }
  return result;
}

} // namespace acadlc::analysis
