// IBM/sarama (its own protocol code) at its defaults but for what it must be told: to report acknowledgements, to take the
// partition from the message, and a version that has zstd. With SARAMA_VERSION=1.0.0 it speaks as its releases up to 1.40
// do by default: fixed old versions of every API, without asking for the broker's.
package main

import (
	"context"
	"errors"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"clients/speak"
)

type client struct {
	bootstrap string
	config    *sarama.Config
	any       sarama.Client // for offsets
}

var codecs = map[string]sarama.CompressionCodec{"none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP,
	"snappy": sarama.CompressionSnappy, "lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD}

func (c client) Create(topic string, partitions int) error {
	admin, err := sarama.NewClusterAdmin([]string{c.bootstrap}, c.config)
	if err != nil {
		return err
	}
	defer admin.Close()
	return admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: int32(partitions), ReplicationFactor: 1}, false)
}

func message(topic string, record speak.Record) *sarama.ProducerMessage {
	sent := &sarama.ProducerMessage{Topic: topic, Key: sarama.ByteEncoder(record.Key), Partition: int32(record.Partition),
		Timestamp: time.UnixMilli(record.Timestamp), Metadata: record}
	if record.Value != nil {
		sent.Value = sarama.ByteEncoder(record.Value)
	}
	for _, header := range record.Headers {
		sent.Headers = append(sent.Headers, sarama.RecordHeader{Key: []byte(header.Name), Value: header.Value})
	}
	return sent
}

// Produce sends until the channel closes, and what the library gave up on again.
func (c client) Produce(topic, codec string, records <-chan speak.Record) error {
	config := *c.config
	config.Producer.Compression = codecs[codec]
	config.Producer.Return.Successes = true
	config.Producer.Partitioner = sarama.NewManualPartitioner
	producer, err := sarama.NewAsyncProducer([]string{c.bootstrap}, &config)
	if err != nil {
		return err
	}
	var left sync.WaitGroup
	ended := make(chan bool)
	go func() {
		defer close(ended)
		successes, failures := producer.Successes(), producer.Errors()
		for successes != nil || failures != nil {
			select {
			case sent, more := <-successes:
				if !more {
					successes = nil
					continue
				}
				speak.Acked(sent.Metadata.(speak.Record).Number, int(sent.Partition), sent.Offset)
				left.Done()
			case failed, more := <-failures:
				if !more {
					failures = nil
					continue
				}
				record := failed.Msg.Metadata.(speak.Record)
				speak.GaveUp(record.Number)
				go func() { producer.Input() <- message(topic, record) }()
			}
		}
	}()
	for record := range records {
		left.Add(1)
		producer.Input() <- message(topic, record)
	}
	left.Wait()
	producer.AsyncClose()
	<-ended
	return nil
}

func (c client) Offset(topic string, partition int, what string) (int64, error) {
	when, err := strconv.ParseInt(what, 10, 64)
	switch what {
	case "earliest":
		when, err = sarama.OffsetOldest, nil
	case "latest":
		when, err = sarama.OffsetNewest, nil
	}
	if err != nil {
		return 0, err
	}
	return c.any.GetOffset(topic, int32(partition), when)
}

func (c client) Consume(topic string, wanted *speak.Wanted) error {
	consumer, err := sarama.NewConsumer([]string{c.bootstrap}, c.config)
	if err != nil {
		return err
	}
	defer consumer.Close()
	var group sync.WaitGroup
	for partition, want := range wanted.Ranges() {
		reader, err := consumer.ConsumePartition(topic, int32(partition), want.Next)
		if err != nil {
			return err
		}
		group.Add(1)
		go func() {
			defer group.Done()
			defer reader.AsyncClose()
			for found := range reader.Messages() {
				if !wanted.Take(int(found.Partition), found.Offset, found.Timestamp.UnixMilli(), found.Key, found.Value, headers(found)) {
					return
				}
			}
		}()
	}
	group.Wait()
	return nil
}

func headers(found *sarama.ConsumerMessage) []speak.Header {
	all := []speak.Header{}
	for _, header := range found.Headers {
		all = append(all, speak.Header{Name: string(header.Key), Value: header.Value})
	}
	return all
}

// member receives until it has enough, and then ends the session.
type member struct {
	left atomic.Int64
	end  context.CancelFunc
}

func (m *member) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (m *member) Cleanup(sarama.ConsumerGroupSession) error { return nil }
func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for found := range claim.Messages() {
		if session.Context().Err() != nil {
			return nil
		}
		speak.Received(int(found.Partition), found.Offset, found.Timestamp.UnixMilli(), found.Key, found.Value, headers(found))
		session.MarkMessage(found, "")
		if m.left.Add(-1) <= 0 {
			m.end()
			return nil
		}
	}
	return nil
}

func (c client) Group(topic, group string, count int) error {
	config := *c.config
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	consumer, err := sarama.NewConsumerGroup([]string{c.bootstrap}, group, &config)
	if err != nil {
		return err
	}
	context, end := context.WithCancel(context.Background())
	receiver := &member{end: end}
	receiver.left.Store(int64(count))
	for context.Err() == nil && err == nil {
		err = consumer.Consume(context, []string{topic}, receiver)
	}
	return errors.Join(err, consumer.Close())
}

func main() {
	config := sarama.NewConfig()
	names := []string{"none", "gzip", "snappy", "lz4", "zstd"}
	if text := os.Getenv("SARAMA_VERSION"); text != "" {
		version, err := sarama.ParseKafkaVersion(text)
		if err != nil {
			panic(err)
		}
		config.Version, config.ApiVersionsRequest = version, false
		names = names[:4]
	}
	any, err := sarama.NewClient([]string{os.Args[1]}, config)
	if err != nil {
		panic(err)
	}
	speak.Serve("sarama", speak.ModuleVersion("github.com/IBM/sarama")+" as Kafka "+config.Version.String(), names,
		client{os.Args[1], config, any})
}
