// Lock-free transfer of the newest value from one thread to another.
#pragma once

#include <atomic>

namespace koemorph {

// The writer fills its own slot and exchanges it with the middle slot; the reader exchanges its
// slot with the middle slot when that one holds a new value. Neither waits. A value that was not
// read before the next write is dropped.
template <typename Value>
class TripleBuffer {
 public:
  // One writing thread at a time.
  void write(const Value& value) {
    slots_[write_slot_] = value;
    write_slot_ = middle_.exchange(write_slot_ | kNew, std::memory_order_acq_rel) & ~kNew;
  }

  // One reading thread at a time: the newest value if it was not read yet, else NULL. Valid until
  // the next read.
  const Value* read() {
    if ((middle_.load(std::memory_order_relaxed) & kNew) == 0) return nullptr;
    read_slot_ = middle_.exchange(read_slot_, std::memory_order_acq_rel) & ~kNew;
    return &slots_[read_slot_];
  }

 private:
  static constexpr int kNew = 4;

  Value slots_[3]{};
  std::atomic<int> middle_{1};
  int write_slot_ = 0;
  int read_slot_ = 2;
};

}  // namespace koemorph
