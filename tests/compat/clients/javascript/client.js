// KafkaJS (its own protocol code) at its defaults. Its consumers always join a group, so reading uses the same code one
// storey lower: its Cluster and Broker, whose fetch takes a partition and an offset.
'use strict';
const readline = require('node:readline');
const { Kafka, CompressionTypes, CompressionCodecs, logLevel } = require('kafkajs');
const Cluster = require('kafkajs/src/cluster');
const createSocketFactory = require('kafkajs/src/network/socketFactory');

const NULL = '\\N';
const codecs = { none: CompressionTypes.None, gzip: CompressionTypes.GZIP, snappy: CompressionTypes.Snappy, lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD };

const bootstrap = process.argv[2];
const kafka = new Kafka({ clientId: 'client', brokers: [bootstrap], logLevel: logLevel.ERROR,
  logCreator: () => ({ namespace, log }) => console.error(namespace, JSON.stringify(log)) });
const say = (...fields) => process.stdout.write(fields.join('\t') + '\n');
const input = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

// The lines that follow a command, up to the one with a dot.
async function* lines() {
  for (let next = await input.next(); !next.done && next.value !== '.'; next = await input.next()) yield next.value;
}

async function all() {
  const found = [];
  for await (const line of lines()) found.push(line.split('\t'));
  return found;
}

async function create(topic, partitions) {
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: Number(partitions), replicationFactor: 1 }] });
  await admin.disconnect();
}

function message([number, partition, timestamp, key, value, ...fields]) {
  const headers = {};
  for (const field of fields) {
    const at = field.indexOf('=');
    headers[field.slice(0, at)] = field.slice(at + 1);
  }
  return { number, partition: Number(partition), timestamp, key, value: value === NULL ? null : value, headers };
}

// Sends 500 records a call, each to its partition; offsets count up from the base that the broker gave.
async function send(producer, topic, compression, messages) {
  for (;;) {
    try {
      const next = {};
      for (const { partition, baseOffset } of await producer.send({ topic, compression, messages })) next[partition] = BigInt(baseOffset);
      for (const { number, partition } of messages) say(number, partition, next[partition]++);
      return;
    } catch (error) {
      if (!error.retriable && error.name !== 'KafkaJSNumberOfRetriesExceeded') throw error;
      for (const { number } of messages) say(number, -1, -1);
    }
  }
}

async function produce(topic, codec) {
  const producer = kafka.producer();
  await producer.connect();
  let batch = [];
  for await (const line of lines()) {
    batch.push(message(line.split('\t')));
    if (batch.length === 500) {
      await send(producer, topic, codecs[codec], batch);
      batch = [];
    }
  }
  if (batch.length > 0) await send(producer, topic, codecs[codec], batch);
  await producer.disconnect();
}

async function offsets(topic) {
  const admin = kafka.admin();
  await admin.connect();
  for (const [partition, what] of await all()) {
    const timed = what !== 'earliest' && what !== 'latest';
    const found = timed ? await admin.fetchTopicOffsetsByTimestamp(topic, Number(what)) : await admin.fetchTopicOffsets(topic);
    const here = found.find(each => each.partition === Number(partition));
    say(partition, what, what === 'earliest' ? here.low : here.offset);
  }
  await admin.disconnect();
}

function print(partition, record) {
  const headers = Object.entries(record.headers).flatMap(([name, value]) => [].concat(value).map(each => `${name}=${each}`));
  say(partition, record.offset, record.timestamp, record.key, record.value === null ? NULL : record.value, ...headers);
}

function take(want, partition, record) {
  if (Number(record.offset) < want.next || want.next === want.end) return;
  print(partition, record);
  want.next = Number(record.offset) + 1;
}

// One fetch at a time from the leader, until each partition is read to its end.
async function consume(topic) {
  const logger = { info() {}, debug() {}, warn() {}, error() {}, namespace() { return logger; } };
  const cluster = new Cluster({ logger, socketFactory: createSocketFactory(), brokers: [bootstrap], clientId: 'client', retry: {},
    connectionTimeout: 1000, authenticationTimeout: 10000, requestTimeout: 30000, enforceRequestTimeout: true, metadataMaxAge: 300000,
    allowAutoTopicCreation: false, maxInFlightRequests: null, isolationLevel: 1 });
  const wanted = new Map();
  for (const [partition, next, end] of await all()) {
    if (Number(next) < Number(end)) wanted.set(Number(partition), { next: Number(next), end: Number(end) });
  }
  await cluster.connect();
  await cluster.addTargetTopic(topic);
  for (let failures = 0; wanted.size > 0;) {
    try {
      const leaders = cluster.findLeaderForPartitions(topic, [...wanted.keys()]);
      for (const [node, partitions] of Object.entries(leaders)) {
        const broker = await cluster.findBroker({ nodeId: node });
        const topics = [{ topic, partitions: partitions.map(partition => ({ partition, fetchOffset: String(wanted.get(partition).next),
          maxBytes: 1048576 })) }];
        const { responses } = await broker.fetch({ replicaId: -1, isolationLevel: 1, maxWaitTime: 500, minBytes: 1, maxBytes: 10485760,
          topics, rackId: '' });
        for (const { partition, messages } of responses[0].partitions) {
          const want = wanted.get(partition);
          for (const record of messages) take(want, partition, record);
          if (want.next === want.end) wanted.delete(partition);
        }
      }
      failures = 0;
    } catch (error) { // the broker went away: as the consumer's runner does, look for it again
      if (++failures > 50) throw error;
      await new Promise(resolve => setTimeout(resolve, 100));
      await cluster.connect().then(() => cluster.refreshMetadata()).catch(() => {});
    }
  }
  await cluster.disconnect();
}

async function group(topic, groupId, count) {
  const consumer = kafka.consumer({ groupId });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  let left = Number(count);
  await new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => payload.restart || reject(payload.error));
    const eachMessage = async ({ partition, message: record }) => {
      print(partition, record);
      if (--left === 0) resolve();
    };
    consumer.run({ eachMessage }).catch(reject);
  });
  await consumer.disconnect();
}

// KafkaJS brings gzip; this is how its users add the others.
async function plugCodecs() {
  const codec = (compress, decompress) => () => ({
    compress: async encoder => Buffer.from(compress(encoder.buffer)), decompress: async buffer => Buffer.from(decompress(buffer)) });
  const lz4 = require('lz4-napi'); // lz4js makes frames of dependent blocks, which Kafka refuses
  const zstd = await new Promise(resolve => require('zstd-codec').ZstdCodec.run(each => resolve(new each.Simple())));
  CompressionCodecs[CompressionTypes.Snappy] = require('kafkajs-snappy');
  CompressionCodecs[CompressionTypes.LZ4] = codec(lz4.compressFrameSync, lz4.decompressFrameSync);
  CompressionCodecs[CompressionTypes.ZSTD] = codec(bytes => zstd.compress(bytes), bytes => zstd.decompress(bytes));
}

async function main() {
  await plugCodecs();
  say('hello', 'kafkajs', require('kafkajs/package.json').version, Object.keys(codecs).join(','));
  const verbs = { create, produce, offsets, consume, group };
  for (let next = await input.next(); !next.done; next = await input.next()) {
    const [verb, ...rest] = next.value.split('\t');
    await verbs[verb](...rest);
    say('.');
  }
}

main().catch(error => {
  console.error(error);
  say('error', error.message);
  process.exitCode = 1;
  process.stdin.destroy();
});
