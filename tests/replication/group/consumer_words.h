// What transcripts say of topics and of groups of the consumer protocol.
#pragma once

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "replication/group/cluster_view.h"
#include "replication/group/logged.h"
#include "replication/group/requests.h"
#include "tests/test.h"

namespace odradek::group {

// The topics of a transcript. Ids count up from 1 and stay known by name when a topic went.
class TestCluster : public ClusterView {
 public:
  void set(const std::string& name, int32_t partitions) {
    ++version_;
    auto& topic = topics_[name];
    if (topic.name.empty()) {
      topic.name = name;
      topic.id.bytes[15] = ++ids_;
      names_[topic.id] = name;
    }
    topic.partitions = partitions;
  }
  void drop(const std::string& name) {
    ++version_;
    topics_.erase(name);
  }
  std::optional<TopicFacts> find(std::string_view name) const override {
    const auto found = topics_.find(name);
    if (found == topics_.end()) return std::nullopt;
    return found->second;
  }
  std::optional<TopicFacts> find(const Uuid& id) const override {
    const auto name = names_.find(id);
    if (name == names_.end()) return std::nullopt;
    const auto topic = find(std::string_view(name->second));
    return topic && topic->id == id ? topic : std::nullopt;
  }
  void for_each_name(const std::function<void(std::string_view)>& visit) const override {
    for (const auto& [name, topic] : topics_) visit(name);
  }
  std::vector<std::string> racks(const Uuid&, int32_t) const override { return {"r1"}; }
  int64_t version() const override { return version_; }

  const std::string& name_of(const Uuid& id) const { return names_.at(id); }
  Uuid id_of(const std::string& name) const {
    for (const auto& [id, known] : names_) {
      if (known == name) return id;
    }
    return {};
  }

 private:
  std::map<std::string, TopicFacts, std::less<>> topics_;
  std::map<Uuid, std::string> names_;
  int64_t version_ = 0;
  uint8_t ids_ = 0;
};

// "a:0,1+b:2" of a target, "a:0@3,1@3" of what is owned since an epoch; "-" of nothing.
template <class Map>
std::string shown(const TestCluster& cluster, const Map& partitions) {
  std::string out;
  for (const auto& [topic, indexes] : partitions) {
    out += (out.empty() ? "" : "+") + cluster.name_of(topic) + ":";
    std::string list;
    for (const auto& index : indexes) {
      if (!list.empty()) list += ",";
      if constexpr (requires { index.second; }) {
        list += std::to_string(index.first) + "@" + std::to_string(index.second);
      } else {
        list += std::to_string(index);
      }
    }
    out += list;
  }
  return out.empty() ? "-" : out;
}

// The first form.
inline Partitions partitions_from(const TestCluster& cluster, const std::string& text) {
  Partitions out;
  std::istringstream topics(text);
  for (std::string topic; std::getline(topics, topic, '+');) {
    const size_t colon = topic.find(':');
    REQUIRE(colon != std::string::npos);
    std::istringstream indexes(topic.substr(colon + 1));
    for (std::string index; std::getline(indexes, index, ',');) {
      out[cluster.id_of(topic.substr(0, colon))].insert(std::stoi(index));
    }
  }
  return out;
}

inline std::string joined(const std::set<std::string, std::less<>>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : "+") + word;
  return out;
}

inline std::string shown(const TestCluster&, const SubscriptionRecord& r) {
  std::string out = r.group + " " + r.member;
  if (!r.value) return out + " says nothing more";
  out += " wants '" + joined(r.value->topics) + "'";
  if (!r.value->regex.empty()) out += " like " + r.value->regex;
  if (r.value->instance_id) out += " as " + *r.value->instance_id;
  if (r.value->assignor) out += " by " + *r.value->assignor;
  if (r.value->classic) out += " classic";
  return out;
}
inline std::string shown(const TestCluster&, const EpochRecord& r) {
  return r.group + (r.value ? " epoch=" + std::to_string(r.value->epoch) : " is no more");
}
inline std::string shown(const TestCluster&, const TopicsRecord& r) {
  return r.group + (r.present ? " old topics" : " no old topics");
}
inline std::string shown(const TestCluster&, const TargetEpochRecord& r) {
  if (!r.value) return r.group + " no target";
  return r.group + " target=" + std::to_string(r.value->epoch);
}
inline std::string shown(const TestCluster& cluster, const TargetRecord& r) {
  return r.group + " " + r.member +
         (r.value ? " shall have " + shown(cluster, *r.value) : " shall have nothing more");
}
inline std::string shown(const TestCluster& cluster, const CurrentRecord& r) {
  static constexpr const char* kStates[] = {"stable", "unrevoked", "unreleased"};
  std::string out = r.group + " " + r.member;
  if (!r.value) return out + " has nothing more";
  out += " epoch=" + std::to_string(r.value->previous_epoch) + ">" +
         std::to_string(r.value->epoch) + " " + kStates[static_cast<int>(r.value->state)] +
         " has " + shown(cluster, r.value->assigned);
  if (!r.value->revoking.empty()) out += " gives up " + shown(cluster, r.value->revoking);
  return out;
}
inline std::string shown(const TestCluster&, const RegexRecord& r) {
  return r.group + " " + r.regex + (r.value ? " is '" + joined(r.value->topics) + "'" : " unused");
}

inline std::string shown(const TestCluster& cluster, const ConsumerHeartbeatAnswer& a) {
  if (a.error != KafkaCode::none) return "'" + a.message + "'";
  std::string out = a.member_id + " epoch=" + std::to_string(a.epoch);
  if (a.assignment) out += " has " + shown(cluster, *a.assignment);
  return out;
}
inline std::string shown(const TestCluster& cluster, const ConsumerGroupAnswer& a) {
  if (a.error != KafkaCode::none) return "'" + a.message + "'";
  std::string out = a.state + " epoch=" + std::to_string(a.epoch) +
                    " target=" + std::to_string(a.target_epoch) + " " + a.assignor;
  for (const auto& m : a.members) {
    out += " [" + m.id + (m.is_classic ? " classic" : "") + " epoch=" + std::to_string(m.epoch) +
           " has " + shown(cluster, m.assignment) + " shall " + shown(cluster, m.target) + "]";
  }
  return out;
}

}  // namespace odradek::group
