#!/bin/sh
# The script of this name of a Kafka distribution, for the tests that call it.
exec "$(dirname "$0")/../../kafka" run org.apache.kafka.tools.TopicCommand "$@"
