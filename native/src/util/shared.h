// Immutable tables shared by all streams.
#pragma once

#include <map>
#include <memory>
#include <mutex>

namespace koemorph {

// The Table of `key`, created once and kept while it is in use. Locks and allocates: call it in
// constructors only.
template <typename Table, typename Key>
std::shared_ptr<const Table> shared_table(const Key& key) {
  static std::mutex mutex;
  static std::map<Key, std::weak_ptr<const Table>> tables;
  const std::lock_guard<std::mutex> lock(mutex);
  std::shared_ptr<const Table> table = tables[key].lock();
  if (table == nullptr) tables[key] = table = std::make_shared<const Table>(key);
  return table;
}

}  // namespace koemorph
