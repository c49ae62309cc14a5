#include "frontend/tvmscript/Prefixes.h"

#include <algorithm>

namespace acadlc::tir {

namespace {

/// The next word of \p line, which begins behind it then; empty at the end. Signs between words,
/// such as commas, do not count, nor do comments.
std::string_view nextWord(std::string_view &line) {
  constexpr std::string_view between = " \t\r\n,;()\\";
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(between), line.size()));
    if (!line.starts_with('#'))
      break;
    line.remove_prefix(std::min(line.find_first_of("\r\n"), line.size()));
  }
  const std::string_view word = line.substr(0, line.find_first_of(between));
  line.remove_prefix(word.size());
  return word;
}

/// The dialect that the module called \p path, `tvm.script.tir`, is.
Dialect dialectCalled(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('.') + 1);
  if (name == "tir" || name == "tirx" || name == "s_tir")
    return Dialect::Tir;
  if (name == "relax")
    return Dialect::Relax;
  return name == "ir" ? Dialect::Module : Dialect::None;
}

} // namespace

Prefixes::Prefixes() {
  for (const std::string_view name : {"T", "Ts", "Tx", "tir", "tirx", "s_tir"})
    set(name, Dialect::Tir);
  for (const std::string_view name : {"R", "relax"})
    set(name, Dialect::Relax);
  for (const std::string_view name : {"I", "ir"})
    set(name, Dialect::Module);
}

Dialect Prefixes::ofWord(std::string_view prefix) const {
  const auto known = std::ranges::find(words_, prefix, &decltype(words_)::value_type::first);
  return known == words_.end() ? Dialect::None : known->second;
}

void Prefixes::set(std::string_view prefix, Dialect dialect) {
  if (prefix.size() == 1) {
    letters_[static_cast<unsigned char>(prefix[0])] = dialect;
    return;
  }
  const auto known = std::ranges::find(words_, prefix, &decltype(words_)::value_type::first);
  if (known == words_.end())
    words_.emplace_back(prefix, dialect);
  else
    known->second = dialect;
}

void Prefixes::readImport(std::string_view line) {
  const std::string_view first = nextWord(line);
  const bool isFrom = first == "from";
  if (!isFrom && first != "import")
    return;
  const std::string_view package = isFrom ? nextWord(line) : std::string_view();
  if (isFrom && (!package.starts_with("tvm") || nextWord(line) != "import"))
    return;
  for (std::string_view path = nextWord(line); !path.empty();) {
    std::string_view name = path;
    std::string_view next = nextWord(line);
    if (next == "as") {
      name = nextWord(line);
      next = nextWord(line);
    }
    const Dialect dialect =
        isFrom || path.starts_with("tvm.") ? dialectCalled(path) : Dialect::None;
    const bool isPlain = name.find('.') == std::string_view::npos;
    if (dialect != Dialect::None && isPlain && !name.empty())
      set(name, dialect);
    path = next;
  }
}

} // namespace acadlc::tir
