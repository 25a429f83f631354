#include "replication/group/requests.h"

#include <algorithm>

namespace odradek::group {

namespace {

Answer answer_to(const JoinGroup& request) {
  JoinAnswer answer;
  answer.member_id = request.who.member_id;
  return answer;
}
Answer answer_to(const SyncGroup&) { return SyncAnswer{}; }
Answer answer_to(const Heartbeat&) { return HeartbeatAnswer{}; }
Answer answer_to(const LeaveGroup& request) {
  LeaveAnswer answer;
  answer.members.resize(request.members.size());
  return answer;
}
Answer answer_to(const OffsetCommit& request) {
  return OffsetCommitAnswer{std::vector<KafkaCode>(request.offsets.size())};
}
Answer answer_to(const OffsetFetch&) { return OffsetFetchAnswer{}; }
Answer answer_to(const OffsetDelete& request) {
  OffsetDeleteAnswer answer;
  answer.errors.resize(request.partitions.size());
  return answer;
}
Answer answer_to(const DescribeGroup&) { return DescribeAnswer{}; }
Answer answer_to(const ListGroups&) { return ListAnswer{}; }
Answer answer_to(const DeleteGroup&) { return DeleteAnswer{}; }
Answer answer_to(const ConsumerHeartbeat&) { return ConsumerHeartbeatAnswer{}; }
Answer answer_to(const DescribeConsumerGroup&) { return ConsumerGroupAnswer{}; }

// What had an error of its own keeps it.
void set_all(std::vector<KafkaCode>& errors, KafkaCode error) {
  std::ranges::replace(errors, KafkaCode::none, error);
}

struct Refuse {
  KafkaCode error;
  void operator()(JoinAnswer& a) const { a = {.error = error, .member_id = a.member_id}; }
  void operator()(SyncAnswer& a) const { a = {.error = error}; }
  void operator()(HeartbeatAnswer& a) const { a.error = error; }
  void operator()(LeaveAnswer& a) const { a.error = error; }
  void operator()(OffsetCommitAnswer& a) const { set_all(a.errors, error); }
  void operator()(OffsetFetchAnswer& a) const { a = {.error = error}; }
  void operator()(OffsetDeleteAnswer& a) const { a.error = error; }
  void operator()(DescribeAnswer& a) const { a = {.error = error}; }
  void operator()(ListAnswer& a) const { a = {.error = error}; }
  void operator()(DeleteAnswer& a) const { a.error = error; }
  void operator()(ConsumerHeartbeatAnswer& a) const { a = {.error = error}; }
  void operator()(ConsumerGroupAnswer& a) const { a = {.error = error}; }
};

}  // namespace

void refuse(Answer& answer, KafkaCode error) { std::visit(Refuse{error}, answer); }

Answer refusal(const Request& request, KafkaCode error) {
  Answer answer = std::visit([](const auto& r) { return answer_to(r); }, request);
  refuse(answer, error);
  return answer;
}

}  // namespace odradek::group
