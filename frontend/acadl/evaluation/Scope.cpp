#include "frontend/acadl/evaluation/Scope.h"

#include "support/Diagnostics.h"

namespace acadlc {

namespace {
/// Up to this many names a search from the back beats a hash table.
constexpr std::size_t linearLimit = 12;
} // namespace

std::size_t Scope::indexOf(llvm::StringRef name) const {
  if (entries_.size() > linearLimit) {
    const auto found = index_.find(name);
    return found == index_.end() ? entries_.size() : found->second;
  }
  for (std::size_t i = entries_.size(); i-- > 0;)
    if (entries_[i].first == name)
      return i;
  return entries_.size();
}

bool Scope::declare(llvm::StringRef name, Symbol symbol) {
  if (indexOf(name) != entries_.size())
    return false;
  entries_.emplace_back(name, std::move(symbol));
  if (entries_.size() == linearLimit + 1)
    for (std::uint32_t i = 0; i <= linearLimit; ++i)
      index_[entries_[i].first] = i;
  else if (entries_.size() > linearLimit)
    index_[name] = static_cast<std::uint32_t>(entries_.size() - 1);
  return true;
}

void Scope::set(const ast::Identifier &name, Value value) {
  const std::size_t index = indexOf(name.text);
  if (index == entries_.size())
    declare(name, std::move(value));
  else
    entries_[index].second = Symbol::ofValue(std::move(value), name.range);
}

Symbol *Scope::findMutable(llvm::StringRef name) {
  const std::size_t index = indexOf(name);
  return index == entries_.size() ? nullptr : &entries_[index].second;
}

const Symbol *Scope::findLocal(llvm::StringRef name) const {
  const std::size_t index = indexOf(name);
  return index == entries_.size() ? nullptr : &entries_[index].second;
}

const Symbol *Scope::find(llvm::StringRef name) const {
  for (const Scope *scope = this; scope; scope = scope->parent_)
    if (const Symbol *symbol = scope->findLocal(name))
      return symbol;
  return nullptr;
}

std::string Scope::nearest(llvm::StringRef name) const {
  std::vector<std::string_view> candidates;
  for (const Scope *scope = this; scope; scope = scope->parent_)
    for (const Entry &entry : scope->entries_)
      candidates.emplace_back(entry.first);
  return std::string(nearestName(name, candidates));
}

void Scope::rewind(std::size_t mark) {
  if (entries_.size() > linearLimit)
    for (std::size_t i = mark; i < entries_.size(); ++i)
      index_.erase(entries_[i].first);
  entries_.truncate(mark);
  if (entries_.size() <= linearLimit)
    index_.clear();
}

} // namespace acadlc
