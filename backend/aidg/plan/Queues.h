/// \file
/// Queues for evaluators, which must not allocate for each instruction: what has been taken from
/// the front is used again behind the end, so memory grows to the most that was ever held.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

namespace acadlc::aidg {

/// A queue in a ring. Growing moves the elements.
template <typename T> class Ring {
public:
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  T &operator[](std::size_t position) { return slots_[slotOf(position)]; }
  const T &operator[](std::size_t position) const { return slots_[slotOf(position)]; }
  T &front() { return (*this)[0]; }
  const T &front() const { return (*this)[0]; }
  T &back() { return (*this)[size_ - 1]; }

  /// Makes room for \p count elements at once.
  void reserve(std::size_t count) {
    if (count <= slots_.size())
      return;
    std::size_t slots = slots_.empty() ? 4 : slots_.size();
    while (slots < count)
      slots *= 2;
    std::vector<T> larger(slots);
    for (std::size_t i = 0; i != slots_.size(); ++i)
      larger[i] = std::move(slots_[slotOf(i)]); // those taken too: they may own memory
    slots_ = std::move(larger);
    first_ = 0;
  }
  /// Adds an element and returns it as it is: what stood in its slot before, which may own memory
  /// that can be used again, or a new one.
  T &append() {
    reserve(size_ + 1);
    return (*this)[size_++];
  }
  void pushBack(const T &element) { append() = element; }
  void popFront() {
    first_ = slotOf(1);
    --size_;
  }
  void clear() { size_ = 0; }
  /// Puts \p element before the one at \p position; moves those of the shorter side.
  void insert(std::size_t position, const T &element) {
    reserve(size_ + 1);
    if (position < size_ / 2) {
      first_ = slotOf(slots_.size() - 1);
      for (std::size_t i = 0; i != position; ++i)
        (*this)[i] = (*this)[i + 1];
    } else {
      for (std::size_t i = size_; i != position; --i)
        (*this)[i] = (*this)[i - 1];
    }
    ++size_;
    (*this)[position] = element;
  }
  /// Takes out the first element that equals \p element, if there is one. Mostly it stands near the
  /// front.
  void erase(const T &element) {
    std::size_t position = 0;
    while (position != size_ && !((*this)[position] == element))
      ++position;
    if (position != size_)
      eraseAt(position);
  }
  /// Takes out the element at \p position; moves those of the shorter side.
  void eraseAt(std::size_t position) {
    if (position < size_ / 2) {
      for (; position != 0; --position)
        (*this)[position] = (*this)[position - 1];
      popFront();
      return;
    }
    for (; position + 1 != size_; ++position)
      (*this)[position] = (*this)[position + 1];
    --size_;
  }

  template <bool IsConst> class Iterator {
  public:
    using Queue = std::conditional_t<IsConst, const Ring, Ring>;
    // NOLINTBEGIN(readability-identifier-naming): as the standard library wants them
    using iterator_category = std::forward_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using reference = std::conditional_t<IsConst, const T &, T &>;
    using pointer = std::conditional_t<IsConst, const T *, T *>;
    // NOLINTEND(readability-identifier-naming)
    Iterator() = default;
    Iterator(Queue *queue, std::size_t position) : queue_(queue), position_(position) {}
    reference operator*() const { return (*queue_)[position_]; }
    pointer operator->() const { return &(*queue_)[position_]; }
    Iterator &operator++() {
      ++position_;
      return *this;
    }
    Iterator operator++(int) { return Iterator(queue_, position_++); }
    friend bool operator==(const Iterator &, const Iterator &) = default;

  private:
    Queue *queue_ = nullptr;
    std::size_t position_ = 0;
  };
  Iterator<false> begin() { return {this, 0}; }
  Iterator<false> end() { return {this, size_}; }
  Iterator<true> begin() const { return {this, 0}; }
  Iterator<true> end() const { return {this, size_}; }

private:
  [[nodiscard]] std::size_t slotOf(std::size_t position) const {
    return (first_ + position) & (slots_.size() - 1);
  }

  std::vector<T> slots_; ///< a power of two, or none
  std::size_t first_ = 0, size_ = 0;
};

/// Many short lists of numbers in one array.
class ListPool {
public:
  /// A list; empty at first. Of one pool only.
  class List {
    friend ListPool;
    std::uint32_t first_ = none, last_ = none;
  };

  void append(List &list, std::int64_t number) {
    const std::uint32_t added = take();
    cells_[added] = {number, none};
    if (list.first_ == none)
      list.first_ = added;
    else
      cells_[list.last_].next = added;
    list.last_ = added;
  }
  void clear(List &list) {
    if (list.first_ == none)
      return;
    cells_[list.last_].next = free_;
    free_ = list.first_;
    list = {};
  }
  /// Calls \p visit with each number in the order in which they were appended; it may change it.
  template <typename Visit> void forEach(const List &list, const Visit &visit) {
    for (std::uint32_t cell = list.first_; cell != none; cell = cells_[cell].next)
      visit(cells_[cell].number);
  }
  template <typename Visit> void forEach(const List &list, const Visit &visit) const {
    for (std::uint32_t cell = list.first_; cell != none; cell = cells_[cell].next)
      visit(cells_[cell].number);
  }

private:
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
  struct Cell {
    std::int64_t number = 0;
    std::uint32_t next = none;
  };

  std::uint32_t take() {
    if (free_ == none) {
      cells_.emplace_back();
      return static_cast<std::uint32_t>(cells_.size() - 1);
    }
    return std::exchange(free_, cells_[free_].next);
  }

  std::vector<Cell> cells_;
  std::uint32_t free_ = none; ///< the first cell of no list
};

} // namespace acadlc::aidg
