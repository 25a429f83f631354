// Plays a transcript against a Coordinator: a line is an input, the lines indented below it are its
// effects. Time stands still but for `at`. What is committed is kept, so `reload` is a restart.
//
//   new [key=value ...]           a coordinator with this configuration and an empty log
//   reload                        a new one from what is durable, at the present time
//   at MS                         moves the time; timers that are due fire
//   join G [member=M] [instance=I] [type=T] protocols=P:TOPIC+TOPIC,... [session=MS]
//          [rebalance=MS] [v=N]
//   sync G member=M gen=N [instance=I] [type=T] [protocol=P] [assign=M:TEXT,...]
//          where the text @t.0.1 is an assignment of partitions 0 and 1 of t
//   heartbeat G member=M gen=N [instance=I]
//   leave G member=M,... | instance=I,...
//   commit G [member=M gen=N] [v=N] [retention=MS] [note=TEXT] [old=yes] TOPIC/PARTITION=OFFSET ...
//          old: as if the first topic of this name were there still
//   fetch G [TOPIC/PARTITION ...]
//   forget G TOPIC/PARTITION ...       OffsetDelete
//   describe G | list | delete G
//   committed | failed CODE            the oldest append that is on its way, or all of them
//   topics_deleted TOPIC ...           offsets of these go, but those of topics that are there
//   expire [TOPIC ...]                 the same with them
//   topic NAME PARTITIONS | drop NAME  a topic is made, grows or goes
//   beat G member=M epoch=N [topics=T+...] [regex=R] [owned=T:P,P+...] [instance=I] [timeout=MS]
//          [assignor=A] [v=N]         ConsumerGroupHeartbeat
//   show G                             ConsumerGroupDescribe
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "net/kafka/messages/consumer_protocol_subscription.h"
#include "net/wire/writer.h"
#include "replication/group/consumer_protocol.h"
#include "replication/group/coordinator.h"
#include "replication/group/record_codec.h"
#include "tests/replication/group/consumer_words.h"
#include "tests/test.h"

namespace odradek::group {

class Transcript {
 public:
  // What the whole transcript gives now.
  std::string play(const std::string& transcript) {
    std::istringstream lines(transcript);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("  ")) continue;
      out_ += line + "\n";
      if (!line.empty() && line[0] != '#') run(line);
    }
    return out_;
  }

 private:
  using Words = std::map<std::string, std::string>;
  static std::vector<std::string> split(const std::string& text, char by) {
    std::vector<std::string> parts;
    std::istringstream in(text);
    for (std::string part; std::getline(in, part, by);) parts.push_back(part);
    return parts;
  }
  std::string word(const std::string& key, const std::string& otherwise = "") const {
    const auto found = words_.find(key);
    return found == words_.end() ? otherwise : found->second;
  }
  int64_t number(const std::string& key, int64_t otherwise) const {
    const std::string text = word(key);
    return text.empty() ? otherwise : std::stoll(text);
  }
  std::optional<std::string> maybe(const std::string& key) const {
    const auto found = words_.find(key);
    if (found == words_.end()) return std::nullopt;
    return found->second;
  }
  Identity who() const { return {word("member"), maybe("instance")}; }
  Now now() const { return {MonoTime(std::chrono::milliseconds(ms_)), WallTime{ms_}}; }

  // key=value into words_, the rest into plain_.
  void parse(std::istringstream& in) {
    words_.clear();
    plain_.clear();
    for (std::string w; in >> w;) {
      const size_t is = w.find('=');
      if (w.find('/') != std::string::npos || is == std::string::npos) {
        plain_.push_back(w);
      } else {
        words_[w.substr(0, is)] = w.substr(is + 1);
      }
    }
  }

  void run(const std::string& line) {
    std::istringstream in(line);
    std::string verb;
    in >> verb;
    parse(in);
    if (verb == "new") return begin();
    REQUIRE(coordinator_ != nullptr);
    if (verb == "reload") return reload();
    if (verb == "at") return move_time(std::stoll(plain_.at(0)));
    if (verb == "committed" || verb == "failed") return end_append(verb == "committed");
    if (verb == "topics_deleted") return delete_topics();
    if (verb == "topic" || verb == "drop") return change_topic(verb == "topic");
    if (verb == "expire") return expire();
    const RequestId id(++requests_);
    show(coordinator_->request(id, request(verb), now()));
  }

  void begin() {
    config_ = {};
    config_.initial_delay_ms = static_cast<int32_t>(number("initial_delay", 0));
    config_.members_max = static_cast<int32_t>(number("members_max", INT32_MAX));
    config_.metadata_max = static_cast<int32_t>(number("metadata_max", 4096));
    config_.retention_ms = number("retention", 604'800'000);
    config_.consumer.members_max = static_cast<int32_t>(number("consumers_max", INT32_MAX));
    config_.consumer.assignment_interval_ms = static_cast<int32_t>(number("interval", 0));
    config_.consumer.upgrades = word("upgrades", "yes") == "yes";
    config_.consumer.downgrades = word("downgrades", "yes") == "yes";
    cluster_ = {};
    durable_.clear();
    appends_.clear();
    ms_ = 0;
    requests_ = 0;
    coordinator_ = std::make_unique<Coordinator>(config_, cluster_);
    show(coordinator_->loaded(now()));
  }

  void change_topic(bool is_there) {
    const bool is_new = is_there && !cluster_.find(std::string_view(plain_.at(0)));
    if (is_there) {
      cluster_.set(plain_.at(0), std::stoi(plain_.at(1)));
    } else {
      cluster_.drop(plain_.at(0));
    }
    coordinator_->topics_changed({plain_.at(0)}, is_new);
  }

  void reload() {
    coordinator_ = std::make_unique<Coordinator>(config_, cluster_);
    appends_.clear();
    for (const auto& record : durable_) {
      // Through the bytes, as a restart takes it.
      const EncodedRecord bytes = encode_record(record);
      std::optional<BytesView> value;
      if (bytes.value) value = BytesView(*bytes.value);
      auto decoded = decode_record(BytesView(bytes.key), value);
      REQUIRE(decoded.has_value());
      REQUIRE(decoded->has_value());
      coordinator_->replay(std::move(**decoded));
    }
    show(coordinator_->loaded(now()));
  }

  void move_time(int64_t to) {
    const MonoTime end{std::chrono::milliseconds(to)};
    while (coordinator_->next_timer() <= end) {
      ms_ = std::chrono::duration_cast<std::chrono::milliseconds>(
                coordinator_->next_timer().time_since_epoch())
                .count();
      const Effects effects = coordinator_->timers_due(now());
      if (!effects.replies.empty() || !effects.records.empty()) {
        out_ += "  at " + std::to_string(ms_) + "\n";
      }
      show(effects);
    }
    ms_ = to;
  }

  void end_append(bool well) {
    if (appends_.empty()) {
      out_ += "  nothing is on its way\n";
      return;
    }
    const Ticket first = appends_.front().ticket;
    if (!well) {
      appends_.clear();
      const auto code = static_cast<KafkaCode>(std::stoi(plain_.at(0)));
      return show(coordinator_->failed(first, code, now()));
    }
    for (auto& record : appends_.front().records) durable_.push_back(record);
    appends_.erase(appends_.begin());
    show(coordinator_->committed(first, now()));
  }

  Coordinator::Gone gone() const {
    return [this](std::string_view topic, const Uuid& id) {
      const auto now = cluster_.find(topic);
      return std::ranges::find(plain_, topic) != plain_.end() && !(now && now->id == id);
    };
  }

  void delete_topics() { show(coordinator_->topics_deleted(gone(), now())); }

  void expire() {
    std::optional<std::string> from = "";
    while (from) show(coordinator_->expire(from, 1, gone(), now()));
  }

  static Bytes subscription(const std::string& type, const std::string& text) {
    if (type != "consumer") return {text.begin(), text.end()};
    const auto topics = split(text, '+');
    kafka::ConsumerProtocolSubscription message;
    message.topics.assign(topics.begin(), topics.end());
    wire::Writer writer;
    writer.integer(int16_t{1});
    kafka::encode(writer, 1, message);
    return writer.copy();
  }

  Request request(const std::string& verb) {
    const std::string group = plain_.empty() ? "" : plain_.at(0);
    if (verb == "join") return join(group);
    if (verb == "sync") return sync(group);
    if (verb == "heartbeat") {
      return Heartbeat{group, who(), static_cast<int32_t>(number("gen", -1))};
    }
    if (verb == "leave") return leave(group);
    if (verb == "commit") return commit(group);
    if (verb == "fetch") return fetch(group);
    if (verb == "forget") return forget(group);
    if (verb == "describe") return DescribeGroup{group};
    if (verb == "delete") return DeleteGroup{group};
    if (verb == "beat") return beat(group);
    if (verb == "show") return DescribeConsumerGroup{group};
    REQUIRE_EQ(verb, "list");
    return ListGroups{};
  }

  Request join(const std::string& group) const {
    JoinGroup out;
    out.group = group == "''" ? "" : group;
    out.who = who();
    out.client_id = word("client", "c");
    out.client_host = "/10.0.0.9";
    out.protocol_type = word("type", "consumer");
    for (const auto& p : split(word("protocols"), ',')) {
      const auto parts = split(p, ':');
      out.protocols.push_back(
          {parts.at(0), subscription(out.protocol_type, parts.size() > 1 ? parts[1] : "")});
    }
    out.session_timeout_ms = static_cast<int32_t>(number("session", 10'000));
    out.rebalance_timeout_ms = static_cast<int32_t>(number("rebalance", 60'000));
    out.unique = "u" + std::to_string(requests_);
    out.knows_member_id = number("v", 3) >= 4;
    out.knows_skip = number("v", 3) >= 9;
    return out;
  }

  Request beat(const std::string& group) const {
    ConsumerHeartbeat out;
    out.group = group;
    out.member_id = word("member");
    out.epoch = static_cast<int32_t>(number("epoch", 0));
    out.instance_id = maybe("instance");
    out.client_id = word("client", "c");
    out.client_host = "/10.0.0.9";
    out.rebalance_timeout_ms =
        static_cast<int32_t>(number("timeout", out.epoch == 0 ? 60'000 : -1));
    if (const auto topics = maybe("topics")) out.topics = split(*topics, '+');
    out.regex = maybe("regex");
    out.assignor = maybe("assignor");
    if (const auto owned = maybe("owned")) out.owned = partitions_from(cluster_, *owned);
    if (!out.owned && out.epoch == 0 && word("owned", "-") == "-") out.owned.emplace();
    out.unique = "u" + std::to_string(requests_);
    out.makes_own_id = number("v", 1) >= 1;
    return out;
  }

  static Bytes assignment_bytes(const std::string& text) {
    if (!text.starts_with('@')) return {text.begin(), text.end()};
    const auto parts = split(text.substr(1), '.');
    NamedPartitions partitions;
    for (size_t i = 1; i < parts.size(); ++i) partitions[parts[0]].insert(std::stoi(parts[i]));
    return make_assignment(partitions, {0, 1});
  }

  Request sync(const std::string& group) const {
    SyncGroup out{
        group, who(), static_cast<int32_t>(number("gen", -1)), maybe("type"), maybe("protocol"),
        {}};
    for (const auto& a : split(word("assign"), ',')) {
      const auto parts = split(a, ':');
      out.assignments.push_back({parts.at(0), assignment_bytes(parts.at(1))});
    }
    return out;
  }

  Request leave(const std::string& group) const {
    LeaveGroup out{group, {}};
    for (const auto& m : split(word("member"), ',')) out.members.push_back({m, std::nullopt});
    for (const auto& i : split(word("instance"), ',')) out.members.push_back({"", i});
    return out;
  }

  Request commit(const std::string& group) const {
    OffsetCommit out;
    out.group = group;
    out.who = who();
    out.generation = static_cast<int32_t>(number("gen", -1));
    out.retention_ms = number("retention", -1);
    out.knows_group_errors = number("v", 7) >= 9;
    for (size_t i = 1; i < plain_.size(); ++i) {
      const auto sides = split(plain_[i], '=');
      const auto place = split(sides.at(0), '/');
      OffsetCommit::Offset offset;
      offset.topic = place.at(0);
      const auto topic = cluster_.find(std::string_view(offset.topic));
      const bool has_id = topic && word("old") != "yes";
      offset.topic_id = has_id ? topic->id : cluster_.id_of(offset.topic);
      offset.partition = std::stoi(place.at(1));
      offset.offset = std::stoll(sides.at(1));
      offset.metadata = word("note");
      out.offsets.push_back(std::move(offset));
    }
    return out;
  }

  Request fetch(const std::string& group) const {
    OffsetFetch out{group, std::nullopt, maybe("member"),
                    static_cast<int32_t>(number("epoch", -1))};
    for (size_t i = 1; i < plain_.size(); ++i) {
      const auto place = split(plain_[i], '/');
      if (!out.topics) out.topics.emplace();
      const auto topic = cluster_.find(std::string_view(place.at(0)));
      out.topics->push_back({place.at(0), {std::stoi(place.at(1))}, topic ? topic->id : Uuid()});
    }
    return out;
  }

  Request forget(const std::string& group) const {
    OffsetDelete out{group, {}};
    for (size_t i = 1; i < plain_.size(); ++i) {
      const auto place = split(plain_[i], '/');
      out.partitions.emplace_back(place.at(0), std::stoi(place.at(1)));
    }
    return out;
  }

  // ---- effects ----

  void show(const Effects& effects) {
    for (const auto& reply : effects.replies) {
      out_ += "  reply " + std::to_string(reply.request.value) + ": ";
      std::visit([this](const auto& answer) { tell(answer); }, reply.answer);
      out_ += "\n";
    }
    if (effects.ticket.value == 0) return;
    appends_.push_back({effects.ticket, effects.records});
    out_ += "  append " + std::to_string(effects.ticket.value) + "\n";
    for (const auto& record : effects.records) {
      out_ += "    ";
      std::visit([this](const auto& r) { tell(r); }, record);
      out_ += "\n";
    }
  }

  void error(KafkaCode code) {
    if (code != KafkaCode::none) out_ += "error=" + std::to_string(static_cast<int>(code)) + " ";
  }
  void errors(const std::vector<KafkaCode>& codes) {
    out_ += "errors=";
    for (const auto code : codes) out_ += std::to_string(static_cast<int>(code)) + " ";
  }
  static std::string assignment_text(const Bytes& bytes) {
    const auto parsed = parse_assignment(bytes);
    if (!parsed || parsed->partitions.empty()) return text(bytes);
    std::string out;
    for (const auto& [topic, indexes] : parsed->partitions) {
      out += "@" + topic;
      for (const int32_t index : indexes) out += "." + std::to_string(index);
    }
    return out;
  }
  static std::string text(const Bytes& bytes) {
    std::string out;
    for (const uint8_t b : bytes) {
      if (b >= 0x20 && b < 0x7f) out += static_cast<char>(b);
    }
    return out;
  }
  void tell(const JoinAnswer& a) {
    error(a.error);
    out_ += "member=" + a.member_id;
    if (a.error != KafkaCode::none) return;
    out_ += " gen=" + std::to_string(a.generation) + " " + a.protocol_type.value_or("null") + "/" +
            a.protocol.value_or("null") + " leader=" + a.leader;
    if (a.skip_assignment) out_ += " skip";
    for (const auto& m : a.members) {
      out_ += " [" + m.id + (m.instance_id ? " as " + *m.instance_id : "") + ": " +
              text(m.metadata) + "]";
    }
  }
  void tell(const SyncAnswer& a) {
    error(a.error);
    if (a.error == KafkaCode::none) {
      out_ += a.protocol_type.value_or("null") + "/" + a.protocol.value_or("null") + " gets '" +
              assignment_text(a.assignment) + "'";
    }
  }
  void tell(const HeartbeatAnswer& a) {
    error(a.error);
    if (a.error == KafkaCode::none) out_ += "alive";
  }
  void tell(const LeaveAnswer& a) {
    error(a.error);
    errors(a.members);
  }
  void tell(const OffsetCommitAnswer& a) { errors(a.errors); }
  void tell(const OffsetFetchAnswer& a) {
    error(a.error);
    for (const auto& topic : a.topics) {
      for (const auto& p : topic.partitions) {
        out_ += topic.name + "/" + std::to_string(p.index) + "=" + std::to_string(p.offset);
        if (!p.metadata.empty()) out_ += " '" + p.metadata + "'";
        out_ += " ";
      }
    }
  }
  void tell(const OffsetDeleteAnswer& a) {
    error(a.error);
    errors(a.errors);
  }
  void tell(const DescribeAnswer& a) {
    error(a.error);
    out_ += a.state + " '" + a.protocol_type + "' '" + a.protocol + "'";
    for (const auto& m : a.members) {
      out_ += " [" + m.id + " " + m.client_id + m.client_host + ": " + text(m.metadata) +
              " gets '" + text(m.assignment) + "']";
    }
  }
  void tell(const ListAnswer& a) {
    for (const auto& g : a.groups) out_ += g.id + "(" + g.protocol_type + " " + g.state + ") ";
  }
  void tell(const DeleteAnswer& a) {
    error(a.error);
    if (a.error == KafkaCode::none) out_ += "gone";
  }
  void tell(const OffsetRecord& r) {
    out_ += r.group + " " + r.topic + "/" + std::to_string(r.partition) + "=";
    if (!r.value) {
      out_ += "tombstone";
      return;
    }
    out_ += std::to_string(r.value->offset) + " at " + std::to_string(r.value->commit_ms);
    if (r.value->expire_ms != -1) out_ += " until " + std::to_string(r.value->expire_ms);
    if (!r.value->metadata.empty()) out_ += " '" + r.value->metadata + "'";
  }
  void tell(const GroupRecord& r) {
    out_ += r.group + " ";
    if (!r.value) {
      out_ += "tombstone";
      return;
    }
    out_ += r.value->protocol_type + "/" + r.value->protocol.value_or("null") +
            " gen=" + std::to_string(r.value->generation) +
            " leader=" + r.value->leader.value_or("null") + " since " +
            std::to_string(r.value->state_ms);
    for (const auto& m : r.value->members) {
      out_ += " [" + m.id + (m.instance_id ? " as " + *m.instance_id : "") + " gets '" +
              assignment_text(m.assignment) + "']";
    }
  }

  void tell(const ConsumerHeartbeatAnswer& a) {
    error(a.error);
    out_ += shown(cluster_, a);
  }
  void tell(const ConsumerGroupAnswer& a) {
    error(a.error);
    out_ += shown(cluster_, a);
  }
  template <class Record>
    requires std::is_constructible_v<ConsumerRecord, Record>
  void tell(const Record& record) {
    out_ += shown(cluster_, record);
  }

  struct Append {
    Ticket ticket;
    std::vector<LoggedRecord> records;
  };
  std::string out_;
  Words words_;
  std::vector<std::string> plain_;
  Config config_;
  TestCluster cluster_;
  std::unique_ptr<Coordinator> coordinator_;
  std::vector<Append> appends_;
  std::vector<LoggedRecord> durable_;
  int64_t ms_ = 0;
  uint64_t requests_ = 0;
};

}  // namespace odradek::group
