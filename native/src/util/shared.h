// Immutable tables that all streams of a kind read.
#pragma once

#include <map>
#include <memory>
#include <mutex>

namespace koemorph {

// The Table of `key`, made once and kept while anybody holds it. Locks and allocates, so whoever
// needs one takes it when it is made itself.
template <typename Table, typename Key>
std::shared_ptr<const Table> shared_table(const Key& key) {
  static std::mutex mutex;
  static std::map<Key, std::weak_ptr<const Table>> known;
  const std::lock_guard<std::mutex> lock(mutex);
  std::shared_ptr<const Table> table = known[key].lock();
  if (table == nullptr) known[key] = table = std::make_shared<const Table>(key);
  return table;
}

}  // namespace koemorph
