// A value that one thread sets and another takes, without locks.
#pragma once

#include <atomic>

namespace koemorph {

// Triple buffer: the writer fills a slot of its own and swaps it for the middle one, the reader
// swaps its own for the middle one when there is news. Neither waits; what was not taken in time is
// replaced.
template <typename Value>
class TripleBuffer {
 public:
  // One writing thread at a time.
  void put(const Value& value) {
    slots_[writing_] = value;
    writing_ = middle_.exchange(writing_ | kNew, std::memory_order_acq_rel) & ~kNew;
  }

  // One reading thread at a time: the newest value if there is one that was not taken yet, else
  // NULL. Valid until the next take.
  const Value* take() {
    if ((middle_.load(std::memory_order_relaxed) & kNew) == 0) return nullptr;
    reading_ = middle_.exchange(reading_, std::memory_order_acq_rel) & ~kNew;
    return &slots_[reading_];
  }

 private:
  static constexpr int kNew = 4;

  Value slots_[3]{};
  std::atomic<int> middle_{1};
  int writing_ = 0;
  int reading_ = 2;
};

}  // namespace koemorph
