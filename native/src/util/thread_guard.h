// Detection of concurrent calls in a role that only one thread may have at a time.
#pragma once

#include <atomic>

namespace koemorph {

// At most one thread is inside. enter() never waits: it returns false while another thread is
// inside.
class ThreadGuard {
 public:
  bool enter() { return !inside_.exchange(true, std::memory_order_acquire); }
  void leave() { inside_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> inside_{false};
};

// Enters a guard and leaves it at the end of the scope; false when another thread is inside.
class ScopedEntry {
 public:
  explicit ScopedEntry(ThreadGuard& guard) : guard_(guard.enter() ? &guard : nullptr) {}
  ~ScopedEntry() {
    if (guard_ != nullptr) guard_->leave();
  }
  ScopedEntry(const ScopedEntry&) = delete;
  ScopedEntry& operator=(const ScopedEntry&) = delete;
  explicit operator bool() const { return guard_ != nullptr; }

 private:
  ThreadGuard* guard_;
};

}  // namespace koemorph
