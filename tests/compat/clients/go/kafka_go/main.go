// segmentio/kafka-go (its own protocol code, and old versions of the protocol) at its defaults. Two of them cannot serve
// here: a Writer asks for no acknowledgement unless told to, and waits a second for each batch to fill.
package main

import (
	"context"
	"errors"
	"os"
	"strconv"
	"sync"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"clients/speak"
)

type client struct{ bootstrap string }

var codecs = map[string]kafka.Compression{"none": 0, "gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd}

// Create uses a Conn, whose CreateTopics is of version 0.
func (c client) Create(topic string, partitions int) error {
	conn, err := kafka.Dial("tcp", c.bootstrap)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.CreateTopics(kafka.TopicConfig{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1})
}

func message(record speak.Record) kafka.Message {
	sent := kafka.Message{Key: record.Key, Value: record.Value, Time: time.UnixMilli(record.Timestamp), WriterData: record}
	for _, header := range record.Headers {
		sent.Headers = append(sent.Headers, kafka.Header{Key: header.Name, Value: header.Value})
	}
	return sent
}

// Produce writes 500 records a call. A call that failed says which of its records failed; they are sent again.
func (c client) Produce(topic, codec string, records <-chan speak.Record) error {
	var lock sync.Mutex
	failed := []kafka.Message{}
	transport := &kafka.Transport{} // the shared one believes for 6 s that there is no other topic than it saw
	defer transport.CloseIdleConnections()
	writer := &kafka.Writer{
		Addr: kafka.TCP(c.bootstrap), Transport: transport, Topic: topic, Compression: codecs[codec], RequiredAcks: kafka.RequireAll, BatchTimeout: 5 * time.Millisecond,
		Balancer: kafka.BalancerFunc(func(message kafka.Message, _ ...int) int { return message.WriterData.(speak.Record).Partition }),
		Completion: func(messages []kafka.Message, err error) {
			lock.Lock()
			defer lock.Unlock()
			for _, message := range messages {
				if record := message.WriterData.(speak.Record); err != nil {
					speak.GaveUp(record.Number)
					failed = append(failed, message)
				} else {
					speak.Acked(record.Number, message.Partition, message.Offset)
				}
			}
		},
	}
	defer writer.Close()
	for more := true; more; {
		batch := []kafka.Message{}
		for len(batch) < 500 && more {
			var record speak.Record
			if record, more = <-records; more {
				batch = append(batch, message(record))
			}
		}
		for len(batch) > 0 {
			err := writer.WriteMessages(context.Background(), batch...)
			lock.Lock()
			batch, failed = failed, []kafka.Message{}
			lock.Unlock()
			if err != nil && len(batch) == 0 {
				return err
			}
			for i := range batch { // as if new: the failed ones carry a topic
				batch[i] = message(batch[i].WriterData.(speak.Record))
			}
		}
	}
	return nil
}

func (c client) Offset(topic string, partition int, what string) (int64, error) {
	conn, err := kafka.DialLeader(context.Background(), "tcp", c.bootstrap, topic, partition)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	switch what {
	case "earliest":
		return conn.ReadFirstOffset()
	case "latest":
		return conn.ReadLastOffset()
	}
	ms, err := strconv.ParseInt(what, 10, 64)
	if err != nil {
		return 0, err
	}
	return conn.ReadOffset(time.UnixMilli(ms))
}

// Consume has one Reader a partition, as kafka-go's users without a group do.
func (c client) Consume(topic string, wanted *speak.Wanted) error {
	var group sync.WaitGroup
	var failures sync.Map
	for partition, want := range wanted.Ranges() {
		group.Add(1)
		go func() {
			defer group.Done()
			reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{c.bootstrap}, Topic: topic, Partition: partition})
			defer func() { go reader.Close() }() // which waits for the long poll in progress, 10 s
			if err := reader.SetOffset(want.Next); err != nil {
				failures.Store(partition, err)
				return
			}
			for more := true; more; {
				found, err := reader.ReadMessage(context.Background())
				if err != nil {
					failures.Store(partition, err)
					return
				}
				more = wanted.Take(found.Partition, found.Offset, found.Time.UnixMilli(), found.Key, found.Value, headers(found))
			}
		}()
	}
	group.Wait()
	var all []error
	failures.Range(func(_, err any) bool { all = append(all, err.(error)); return true })
	return errors.Join(all...)
}

func headers(found kafka.Message) []speak.Header {
	all := []speak.Header{}
	for _, header := range found.Headers {
		all = append(all, speak.Header{Name: header.Key, Value: header.Value})
	}
	return all
}

// Group commits each second and at the end; by default each message is committed before the next is given.
func (c client) Group(topic, group string, count int) error {
	reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{c.bootstrap}, Topic: topic, GroupID: group, StartOffset: kafka.FirstOffset,
		CommitInterval: time.Second})
	for ; count > 0; count-- {
		found, err := reader.ReadMessage(context.Background())
		if err != nil {
			return errors.Join(err, reader.Close())
		}
		speak.Received(found.Partition, found.Offset, found.Time.UnixMilli(), found.Key, found.Value, headers(found))
	}
	return reader.Close()
}

func main() {
	speak.Serve("kafka-go", speak.ModuleVersion("github.com/segmentio/kafka-go"), []string{"none", "gzip", "snappy", "lz4", "zstd"},
		client{os.Args[1]})
}
