// Two threads where only one belongs are turned into an error instead of a race.
#pragma once

#include <atomic>

namespace koemorph {

// One thread at a time is inside; who comes meanwhile is told so and does not wait.
class ThreadGuard {
 public:
  bool enter() { return !inside_.exchange(true, std::memory_order_acquire); }
  void leave() { inside_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> inside_{false};
};

// Leaves on every way out; false when another thread was inside.
class ScopedEntry {
 public:
  explicit ScopedEntry(ThreadGuard& door) : door_(door.enter() ? &door : nullptr) {}
  ~ScopedEntry() {
    if (door_ != nullptr) door_->leave();
  }
  ScopedEntry(const ScopedEntry&) = delete;
  ScopedEntry& operator=(const ScopedEntry&) = delete;
  explicit operator bool() const { return door_ != nullptr; }

 private:
  ThreadGuard* door_;
};

}  // namespace koemorph
