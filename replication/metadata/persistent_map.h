// A hash map whose copies share structure: a hash trie with 32 ways (Bagwell, Ideal Hash Trees). A
// copy costs a pointer, a change costs the path to it, and a change to a part that no other copy
// sees happens in place, so that filling a map is as cheap as filling any other.
//
// Owner: the metadata shard, which alone copies and changes maps: the counts are plain integers.
// Other shards may read a map that is not changed any more; reading touches no counts.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "replication/metadata/shared.h"

namespace odradek::metadata {

template <class Key, class Value, class Hash = std::hash<Key>>
class PersistentMap {
 public:
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Null when absent. Valid until the map changes. `Lookup` compares equal to Key and hashes alike.
  template <class Lookup>
  const Value* find(const Lookup& key) const {
    return find(key, Hash{}(key));
  }
  template <class Lookup>
  const Value* find(const Lookup& key, uint64_t hash) const {
    const Node* node = root_ ? &*root_ : nullptr;
    for (uint32_t shift = 0; node != nullptr; shift += kBits) {
      const uint32_t bit = bit_of(hash, shift);
      if (node->leaves & bit) {
        const Leaf* leaf = &*node->leaf_slots[index_of(node->leaves, bit)];
        while (leaf != nullptr && !(leaf->key == key)) leaf = leaf->next ? &*leaf->next : nullptr;
        return leaf ? &leaf->value : nullptr;
      }
      if (!(node->branches & bit)) return nullptr;
      node = &*node->branch_slots[index_of(node->branches, bit)];
    }
    return nullptr;
  }

  void set(Key key, Value value) {
    const uint64_t hash = Hash{}(key);
    if (!root_) root_ = Shared<Node>(Node{});
    if (insert(root_, Leaf{hash, std::move(key), std::move(value), {}}, 0)) ++size_;
  }
  // The value of `key` to be changed in place; null when absent.
  Value* mutate(const Key& key) {
    const uint64_t hash = Hash{}(key);
    if (find(key, hash) == nullptr) return nullptr;
    return &mutate_leaf(root_, key, hash, 0).value;
  }
  bool erase(const Key& key) {
    const uint64_t hash = Hash{}(key);
    if (find(key, hash) == nullptr) return false;
    erase_at(root_, key, hash, 0);
    --size_;
    return true;
  }
  // visit(const Key&, const Value&), in the order of the hashes.
  template <class Visit>
  void for_each(Visit&& visit) const {
    if (root_) walk(*root_, visit);
  }
  // visit(key, const Value* before, const Value* after) for every key whose leaf is not shared; a
  // value that was set to an equal one may be visited too.
  template <class Visit>
  static void diff(const PersistentMap& before, const PersistentMap& after, Visit&& visit) {
    if (before.root_.same(after.root_)) return;
    if (after.root_)
      visit_new(before, before.root_ ? &*before.root_ : nullptr, *after.root_, visit);
    if (before.root_)
      visit_gone(after, after.root_ ? &*after.root_ : nullptr, *before.root_, visit);
  }

 private:
  static constexpr uint32_t kBits = 5;

  struct Leaf {
    uint64_t hash;
    Key key;
    Value value;
    Shared<Leaf> next;  // another key with the same hash
  };
  // Bit i of `leaves` and `branches` says what stands at way i; the slots hold only what is there.
  struct Node {
    uint32_t leaves = 0;
    uint32_t branches = 0;
    std::vector<Shared<Leaf>> leaf_slots;
    std::vector<Shared<Node>> branch_slots;
  };

  static uint32_t bit_of(uint64_t hash, uint32_t shift) {
    return uint32_t{1} << ((hash >> shift) & 31);
  }
  static size_t index_of(uint32_t map, uint32_t bit) {
    return static_cast<size_t>(std::popcount(map & (bit - 1)));
  }

  static bool insert(Shared<Node>& at, Leaf leaf, uint32_t shift) {
    Node& node = at.mutate();
    const uint32_t bit = bit_of(leaf.hash, shift);
    if (node.branches & bit) {
      return insert(node.branch_slots[index_of(node.branches, bit)], std::move(leaf),
                    shift + kBits);
    }
    const size_t index = index_of(node.leaves, bit);
    const auto place = static_cast<std::ptrdiff_t>(index);
    if (!(node.leaves & bit)) {
      node.leaf_slots.insert(node.leaf_slots.begin() + place, Shared<Leaf>(std::move(leaf)));
      node.leaves |= bit;
      return true;
    }
    if (node.leaf_slots[index]->hash == leaf.hash)
      return chain(node.leaf_slots[index], std::move(leaf));
    // Two hashes meet here: what stood here moves one level down.
    Shared<Node> below{Node{}};
    push_down(below, std::move(node.leaf_slots[index]), shift + kBits);
    node.leaf_slots.erase(node.leaf_slots.begin() + place);
    node.leaves &= ~bit;
    insert(below, std::move(leaf), shift + kBits);
    const auto branch = static_cast<std::ptrdiff_t>(index_of(node.branches, bit));
    node.branch_slots.insert(node.branch_slots.begin() + branch, std::move(below));
    node.branches |= bit;
    return true;
  }
  static void push_down(Shared<Node>& to, Shared<Leaf> leaf, uint32_t shift) {
    Node& node = to.mutate();
    node.leaves = bit_of(leaf->hash, shift);
    node.leaf_slots.push_back(std::move(leaf));
  }
  // Replaces the leaf of the same key in the chain, or adds one at its end.
  static bool chain(Shared<Leaf>& at, Leaf leaf) {
    Leaf& here = at.mutate();
    if (here.key == leaf.key) {
      here.value = std::move(leaf.value);
      return false;
    }
    if (here.next) return chain(here.next, std::move(leaf));
    here.next = Shared<Leaf>(std::move(leaf));
    return true;
  }
  static Leaf& mutate_leaf(Shared<Node>& at, const Key& key, uint64_t hash, uint32_t shift) {
    Node& node = at.mutate();
    const uint32_t bit = bit_of(hash, shift);
    if (node.branches & bit) {
      return mutate_leaf(node.branch_slots[index_of(node.branches, bit)], key, hash, shift + kBits);
    }
    Leaf* leaf = &node.leaf_slots[index_of(node.leaves, bit)].mutate();
    while (!(leaf->key == key)) leaf = &leaf->next.mutate();
    return *leaf;
  }
  static void erase_at(Shared<Node>& at, const Key& key, uint64_t hash, uint32_t shift) {
    Node& node = at.mutate();
    const uint32_t bit = bit_of(hash, shift);
    if (node.branches & bit) {
      const size_t index = index_of(node.branches, bit);
      erase_at(node.branch_slots[index], key, hash, shift + kBits);
      const Node& below = *node.branch_slots[index];
      if (below.leaves == 0 && below.branches == 0) {
        node.branch_slots.erase(node.branch_slots.begin() + static_cast<std::ptrdiff_t>(index));
        node.branches &= ~bit;
      }
      return;
    }
    const size_t index = index_of(node.leaves, bit);
    if (unchain(node.leaf_slots[index], key)) return;
    node.leaf_slots.erase(node.leaf_slots.begin() + static_cast<std::ptrdiff_t>(index));
    node.leaves &= ~bit;
  }
  // Takes `key` out of the chain; false when the chain would be empty.
  static bool unchain(Shared<Leaf>& at, const Key& key) {
    if (at->key == key) {
      if (!at->next) return false;
      Shared<Leaf> rest = at->next;
      at = std::move(rest);
      return true;
    }
    Leaf& here = at.mutate();
    if (!unchain(here.next, key)) here.next = {};
    return true;
  }

  template <class Visit>
  static void walk(const Node& node, Visit& visit) {
    for (const auto& slot : node.leaf_slots) {
      for (const Leaf* leaf = &*slot; leaf; leaf = leaf->next ? &*leaf->next : nullptr) {
        visit(leaf->key, leaf->value);
      }
    }
    for (const auto& slot : node.branch_slots) walk(*slot, visit);
  }
  // The slot of `node` at `bit` is the same object in `other`.
  static bool shared_leaf(const Node* other, uint32_t bit, const Shared<Leaf>& leaf) {
    return other && (other->leaves & bit) &&
           other->leaf_slots[index_of(other->leaves, bit)].same(leaf);
  }
  static const Shared<Node>* branch_at(const Node* node, uint32_t bit) {
    if (!node || !(node->branches & bit)) return nullptr;
    return &node->branch_slots[index_of(node->branches, bit)];
  }
  // Calls enter(leaf) for the leaves below `node` whose slots `other`, at the same place, does not
  // share.
  template <class Enter>
  static void walk_unshared(const Node* other, const Node& node, Enter& enter) {
    size_t leaf_index = 0;
    size_t branch_index = 0;
    for (uint32_t way = 0; way < 32; ++way) {
      const uint32_t bit = uint32_t{1} << way;
      if (node.leaves & bit) {
        const auto& slot = node.leaf_slots[leaf_index++];
        if (shared_leaf(other, bit, slot)) continue;
        for (const Leaf* leaf = &*slot; leaf; leaf = leaf->next ? &*leaf->next : nullptr)
          enter(*leaf);
      } else if (node.branches & bit) {
        const auto& slot = node.branch_slots[branch_index++];
        const Shared<Node>* twin = branch_at(other, bit);
        if (twin && twin->same(slot)) continue;
        walk_unshared(twin ? &**twin : nullptr, *slot, enter);
      }
    }
  }
  template <class Visit>
  static void visit_new(const PersistentMap& before, const Node* twin, const Node& node,
                        Visit& visit) {
    auto enter = [&](const Leaf& leaf) {
      const Value* old = before.find(leaf.key, leaf.hash);
      if (old != &leaf.value) visit(leaf.key, old, &leaf.value);
    };
    walk_unshared(twin, node, enter);
  }
  template <class Visit>
  static void visit_gone(const PersistentMap& after, const Node* twin, const Node& node,
                         Visit& visit) {
    auto enter = [&](const Leaf& leaf) {
      if (after.find(leaf.key, leaf.hash) == nullptr) visit(leaf.key, &leaf.value, nullptr);
    };
    walk_unshared(twin, node, enter);
  }

  Shared<Node> root_;
  size_t size_ = 0;
};

}  // namespace odradek::metadata
