// A member of a group that writes a journal (README.md): KafkaJS, with its own protocol code.
'use strict';
const fs = require('node:fs');
const { Kafka, CompressionCodecs, CompressionTypes, logLevel } = require('kafkajs');
const ConsumerGroup = require('kafkajs/src/consumer/consumerGroup');

const [bootstrap, topic, groupId, path] = process.argv.slice(2);
const file = fs.openSync(path, 'a');
const line = (...fields) => [Date.now(), ...fields].join('\t') + '\n';
const write = text => fs.writeSync(file, text);
const numbers = partitions => [...partitions].sort((a, b) => a - b).join(',');
let owned = [];
let group = null;

// KafkaJS tells the assignment to its users, but not the generation: it is read where the group is joined. What it had until then
// it goes on reading while it joins.
const { joinAndSync } = ConsumerGroup.prototype;
ConsumerGroup.prototype.joinAndSync = async function joined() {
  await joinAndSync.call(this);
  write(line('revoked', numbers(owned)));
  owned = this.assigned().filter(each => each.topic === topic).flatMap(each => each.partitions);
  group = this;
  write(line('assigned', numbers(owned), this.generationId, this.memberId, numbers(owned)));
};

// The producer compresses with LZ4, which KafkaJS leaves to a package of others.
CompressionCodecs[CompressionTypes.LZ4] = () => ({ decompress: async buffer => Buffer.from(require('lz4-napi').decompressFrameSync(buffer)) });

const kafka = new Kafka({ clientId: 'member', brokers: [bootstrap], logLevel: logLevel.WARN,
  retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 30 },
  logCreator: () => ({ namespace, log }) => console.error(namespace, JSON.stringify(log)) });
const consumer = kafka.consumer({ groupId, sessionTimeout: 6000, heartbeatInterval: 1500, rebalanceTimeout: 15000, maxWaitTimeInMs: 300,
  maxBytesPerPartition: 65536 });

// The offset is passed on to KafkaJS when it is committed: what could not be committed is read again. The consumer's own
// commitOffsets() keeps silent about a refusal once the consumer is told to stop; this one does not.
async function eachBatch({ batch, resolveOffset, heartbeat, commitOffsetsIfNecessary, isRunning, isStale }) {
  const { partition, messages } = batch;
  if (!isRunning() || isStale() || messages.length === 0 || !owned.includes(partition)) return;
  write(messages.map(each => line('record', partition, each.offset, each.value.toString().split(' ', 1)[0])).join(''));
  const offset = String(BigInt(messages[messages.length - 1].offset) + 1n);
  write(line('committing', group.generationId, `${partition}:${offset}`));
  try {
    await commitOffsetsIfNecessary({ topics: [{ topic, partitions: [{ partition, offset }] }] });
  } catch (error) {
    write(line('refused', error.type || error.name));
    throw error;
  }
  write(line('committed'));
  resolveOffset(messages[messages.length - 1].offset);
  await heartbeat();
}

async function main() {
  write(line('began'));
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  process.on('SIGTERM', async () => {
    await consumer.disconnect();
    write(line('ended'));
    process.exit(0);
  });
  consumer.on(consumer.events.CRASH, ({ payload }) => { if (!payload.restart) process.exit(1); });
  await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch });
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});
