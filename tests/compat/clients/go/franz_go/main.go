// twmb/franz-go (its own protocol code) at its defaults: idempotent, and the newest versions of every API.
package main

import (
	"context"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"clients/speak"
)

type client struct {
	bootstrap string
	admin     *kadm.Client
}

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(),
	"zstd": kgo.ZstdCompression(),
}

func (c client) Create(topic string, partitions int) error {
	made, err := c.admin.CreateTopic(context.Background(), int32(partitions), 1, nil, topic)
	if err != nil {
		return err
	}
	return made.Err
}

func (c client) Produce(topic, codec string, records <-chan speak.Record) error {
	producer, err := kgo.NewClient(kgo.SeedBrokers(c.bootstrap), kgo.ProducerBatchCompression(codecs[codec]),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return err
	}
	defer producer.Close()
	failures := make(chan error, 1)
	for record := range records {
		sent := &kgo.Record{Topic: topic, Partition: int32(record.Partition), Timestamp: time.UnixMilli(record.Timestamp), Key: record.Key,
			Value: record.Value}
		for _, header := range record.Headers {
			sent.Headers = append(sent.Headers, kgo.RecordHeader{Key: header.Name, Value: header.Value})
		}
		producer.Produce(context.Background(), sent, func(done *kgo.Record, err error) {
			if err == nil {
				speak.Acked(record.Number, int(done.Partition), done.Offset)
				return
			}
			select {
			case failures <- err: // an idempotent producer does not give up: the first failure ends the run
			default:
			}
		})
	}
	if err := producer.Flush(context.Background()); err != nil {
		return err
	}
	select {
	case err := <-failures:
		return err
	default:
		return nil
	}
}

func (c client) Offset(topic string, partition int, what string) (int64, error) {
	var found kadm.ListedOffsets
	var err error
	switch what {
	case "earliest":
		found, err = c.admin.ListStartOffsets(context.Background(), topic)
	case "latest":
		found, err = c.admin.ListEndOffsets(context.Background(), topic)
	default:
		return c.after(topic, partition, what)
	}
	if err != nil {
		return 0, err
	}
	offset, _ := found.Lookup(topic, int32(partition))
	return offset.Offset, offset.Err
}

// after asks for a time. kadm answers with the end where no record is as young.
func (c client) after(topic string, partition int, what string) (int64, error) {
	ms, err := strconv.ParseInt(what, 10, 64)
	if err != nil {
		return 0, err
	}
	found, err := c.admin.ListOffsetsAfterMilli(context.Background(), ms, topic)
	if err != nil {
		return 0, err
	}
	offset, _ := found.Lookup(topic, int32(partition))
	return offset.Offset, offset.Err
}

func (c client) Consume(topic string, wanted *speak.Wanted) error {
	offsets := map[int32]kgo.Offset{}
	for partition, want := range wanted.Ranges() {
		offsets[int32(partition)] = kgo.NewOffset().At(want.Next)
	}
	consumer, err := kgo.NewClient(kgo.SeedBrokers(c.bootstrap), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: offsets}))
	if err != nil {
		return err
	}
	defer consumer.Close()
	for len(wanted.Ranges()) > 0 {
		fetches := consumer.PollFetches(context.Background())
		if err := fetches.Err(); err != nil {
			return err
		}
		fetches.EachRecord(func(found *kgo.Record) {
			wanted.Take(int(found.Partition), found.Offset, found.Timestamp.UnixMilli(), found.Key, found.Value, headers(found))
		})
	}
	return nil
}

func headers(found *kgo.Record) []speak.Header {
	all := []speak.Header{}
	for _, header := range found.Headers {
		all = append(all, speak.Header{Name: header.Key, Value: header.Value})
	}
	return all
}

func (c client) Group(topic, group string, count int) error {
	member, err := kgo.NewClient(kgo.SeedBrokers(c.bootstrap), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic))
	if err != nil {
		return err
	}
	defer member.Close()
	for count > 0 {
		fetches := member.PollRecords(context.Background(), 100)
		if err := fetches.Err(); err != nil {
			return err
		}
		fetches.EachRecord(func(found *kgo.Record) {
			speak.Received(int(found.Partition), found.Offset, found.Timestamp.UnixMilli(), found.Key, found.Value, headers(found))
			count--
		})
	}
	return member.CommitUncommittedOffsets(context.Background())
}

func main() {
	admin, err := kgo.NewClient(kgo.SeedBrokers(os.Args[1]))
	if err != nil {
		panic(err)
	}
	speak.Serve("franz-go", speak.ModuleVersion("github.com/twmb/franz-go"), []string{"none", "gzip", "snappy", "lz4", "zstd"},
		client{os.Args[1], kadm.NewClient(admin)})
}
