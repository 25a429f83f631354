"""Where our descriptions differ from Kafka's schemas on purpose."""

# Lower floors: clients in use send versions that Kafka 4 dropped (sarama before 1.41: OffsetCommit 1;
# segmentio/kafka-go: CreateTopics 0 and DeleteTopics 0; early admin clients: DescribeConfigs 0).
FLOORS = {
    "CreateTopicsRequest": 0, "CreateTopicsResponse": 0,
    "DeleteTopicsRequest": 0, "DeleteTopicsResponse": 0,
    "OffsetCommitRequest": 1, "OffsetCommitResponse": 1,
    "DescribeConfigsRequest": 0, "DescribeConfigsResponse": 0,
}

# Fields that only versions below Kafka's floor have; the format is that of Kafka 3's schemas.
OLD_FIELDS = {
    "OffsetCommitRequest.Topics.Partitions.CommitTimestamp",  # version 1
    "DescribeConfigsResponse.Results.Configs.IsDefault",      # version 0
}

# (place, aspect) of any other difference that is meant.
ALLOWED = set()

# Schemas that are not messages of the wire or of an internal log that we write.
NOT_DESCRIBED = {
    "AbortedTxn",        # an entry of the transaction index: log/ has the format
    "ProducerSnapshot",  # the .snapshot file: log/ has the format
}
