// The operations that a principal may do on a resource, as the bits that Metadata, DescribeCluster
// and DescribeTopicPartitions tell on request (KIP-430): bit n is AclOperation n.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "cmd/broker/request.h"

namespace odradek::broker {

constexpr int32_t operation_bits(std::initializer_list<Operation> operations) {
  int32_t bits = 0;
  for (const Operation operation : operations) bits |= 1 << static_cast<int>(operation);
  return bits;
}

// Everybody may do everything, until authorizers exist: what there is to do with each kind.
inline constexpr int32_t kTopicOperations = operation_bits(
    {Operation::read, Operation::write, Operation::create, Operation::remove, Operation::alter,
     Operation::describe, Operation::describe_configs, Operation::alter_configs});
inline constexpr int32_t kClusterOperations = operation_bits(
    {Operation::create, Operation::alter, Operation::describe, Operation::cluster_action,
     Operation::describe_configs, Operation::alter_configs, Operation::idempotent_write});
static_assert(kTopicOperations == 3576 && kClusterOperations == 8096, "as Kafka answers");

}  // namespace odradek::broker
