// A member of a group that writes a journal (README.md): twmb/franz-go, with its own protocol code.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// member is one member; its lock guards all fields: franz-go calls back from a thread of its own.
type member struct {
	lock    sync.Mutex
	journal *os.File
	owned   map[int32]bool
	pending map[int32]*kgo.Record // the last record read of each partition, until it is committed
	claimed string
}

func line(fields ...any) string {
	text := fmt.Sprint(time.Now().UnixMilli())
	for _, field := range fields {
		text += "\t" + fmt.Sprint(field)
	}
	return text + "\n"
}

func (m *member) write(text string) {
	if _, err := m.journal.WriteString(text); err != nil {
		panic(err)
	}
}

func numbers(partitions []int32) string {
	slices.Sort(partitions)
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(partitions), "[]"), " ", ",")
}

func (m *member) claim(client *kgo.Client) string {
	id, generation := client.GroupMetadata()
	owned := []int32{}
	for partition := range m.owned {
		owned = append(owned, partition)
	}
	return fmt.Sprintf("%d\t%s\t%s", generation, id, numbers(owned))
}

func (m *member) assigned(_ context.Context, client *kgo.Client, added map[string][]int32) {
	m.lock.Lock()
	defer m.lock.Unlock()
	all := []int32{}
	for _, partitions := range added {
		all = append(all, partitions...)
	}
	for _, partition := range all {
		m.owned[partition] = true
	}
	m.claimed = m.claim(client)
	m.write(line("assigned", numbers(all), m.claimed))
}

func (m *member) revoked(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
	m.lock.Lock()
	defer m.lock.Unlock()
	for _, partitions := range gone {
		for _, partition := range partitions {
			delete(m.owned, partition)
			delete(m.pending, partition)
		}
		m.write(line("revoked", numbers(partitions)))
	}
}

// take writes what was polled. A cooperative member learns of a new generation without any partition coming or going.
func (m *member) take(client *kgo.Client, fetches kgo.Fetches) {
	m.lock.Lock()
	defer m.lock.Unlock()
	if claim := m.claim(client); claim != m.claimed && len(m.owned) > 0 {
		m.claimed = claim
		m.write(line("owns", claim))
	}
	var lines strings.Builder
	fetches.EachRecord(func(record *kgo.Record) {
		number, _, _ := bytes.Cut(record.Value, []byte(" "))
		lines.WriteString(line("record", record.Partition, record.Offset, string(number)))
		m.pending[record.Partition] = record
	})
	m.write(lines.String())
}

func (m *member) commit(client *kgo.Client) {
	m.lock.Lock()
	records, offsets := []*kgo.Record{}, []string{}
	for partition, record := range m.pending {
		records = append(records, record)
		offsets = append(offsets, fmt.Sprintf("%d:%d", partition, record.Offset+1))
	}
	id, generation := client.GroupMetadata()
	if len(records) > 0 {
		m.write(line("committing", generation, strings.Join(offsets, ",")))
	}
	m.lock.Unlock()
	if len(records) == 0 {
		return
	}
	timed, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	// While a rebalance is under way the client holds a commit back, and then sends it as the member that it has become.
	timed = kgo.PreCommitFnContext(timed, func(request *kmsg.OffsetCommitRequest) error {
		if request.MemberID != id || request.Generation != generation {
			return fmt.Errorf("not sent: it is of generation %d and would go out in %d", generation, request.Generation)
		}
		return nil
	})
	err := client.CommitRecords(timed, records...)
	m.lock.Lock()
	defer m.lock.Unlock()
	if err != nil {
		m.write(line("refused", strings.ReplaceAll(err.Error(), "\n", " ")))
		return
	}
	m.write(line("committed"))
	clear(m.pending)
}

func main() {
	bootstrap, topic, group, path := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	journal, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		panic(err)
	}
	m := &member{journal: journal, owned: map[int32]bool{}, pending: map[int32]*kgo.Record{}}
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
		kgo.SessionTimeout(6*time.Second), kgo.HeartbeatInterval(1500*time.Millisecond), kgo.RebalanceTimeout(15*time.Second),
		kgo.FetchMaxWait(300*time.Millisecond),
		kgo.OnPartitionsAssigned(m.assigned), kgo.OnPartitionsRevoked(m.revoked), kgo.OnPartitionsLost(m.revoked))
	if err != nil {
		panic(err)
	}
	stopping, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	m.write(line("began"))
	for stopping.Err() == nil {
		timed, cancel := context.WithTimeout(stopping, 300*time.Millisecond)
		fetches := client.PollRecords(timed, 200)
		cancel()
		m.take(client, fetches)
		m.commit(client)
		client.AllowRebalance()
	}
	client.CloseAllowingRebalance()
	m.write(line("ended"))
}
