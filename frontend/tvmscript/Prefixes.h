/// \file
/// The names under which a text knows the dialects of TVMScript: `T` in `T.grid`.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace acadlc::tir {

enum class Dialect : std::uint8_t {
  None,
  Tir,    ///< functions with loops, and the blocks in them
  Relax,  ///< functions of the graph
  Module, ///< what belongs to modules
};

/// How long the part of \p name, `T.axis.remap`, before its first dot is. Nearly always it is a
/// letter.
inline std::size_t prefixLength(std::string_view name) {
  return name.size() > 1 && name[1] == '.' ? 1 : std::min(name.find('.'), name.size());
}

/// What stands before the dot of each dialect's names. Who prints a module may choose it, and the
/// lines that import it, also as comments, tell; the usual names need no import.
class Prefixes {
public:
  Prefixes();

  /// The dialect that \p name, `T.axis.remap`, belongs to.
  [[nodiscard]] Dialect of(std::string_view name) const {
    const std::string_view prefix = name.substr(0, prefixLength(name));
    return prefix.size() == 1 ? letters_[static_cast<unsigned char>(prefix[0])] : ofWord(prefix);
  }

  /// Takes over what \p line imports, `from tvm.script import tir as TT`; nothing if it is no such
  /// line. Keeps views of it.
  void readImport(std::string_view line);

private:
  [[nodiscard]] Dialect ofWord(std::string_view prefix) const;
  void set(std::string_view prefix, Dialect dialect);

  static constexpr std::size_t bytes = 256;
  std::array<Dialect, bytes> letters_{};                    ///< the prefixes of one byte, by it
  std::vector<std::pair<std::string_view, Dialect>> words_; ///< the others
};

} // namespace acadlc::tir
