// Package speak is the client programs' side of the conversation with tests/compat/clients/run (README.md): lines of
// tab-separated fields.
package speak

import (
	"bufio"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
)

const null = "\\N"

// Header is one header of a record, in order.
type Header struct {
	Name  string
	Value []byte
}

// Record is one record to send; a nil Value is null.
type Record struct {
	Number, Partition int
	Timestamp         int64
	Key, Value        []byte
	Headers           []Header
}

// Range is what a consume command wants of one partition: offsets from Next up to End.
type Range struct{ Next, End int64 }

// Client is what each program makes of its library. Produce receives records until the channel closes and calls Acked for
// each. Offset answers "earliest", "latest" or a time in ms, -1 if there is no such record. Consume calls Take; Group joins
// the group, calls Received for count records or some more, and leaves, with all that it received committed.
type Client interface {
	Create(topic string, partitions int) error
	Produce(topic, codec string, records <-chan Record) error
	Offset(topic string, partition int, what string) (int64, error)
	Consume(topic string, wanted *Wanted) error
	Group(topic, group string, count int) error
}

var (
	lock sync.Mutex // of out: acknowledgements come from the libraries' threads
	out  = bufio.NewWriterSize(os.Stdout, 1<<16)
)

func say(fields ...string) {
	lock.Lock()
	defer lock.Unlock()
	out.WriteString(strings.Join(fields, "\t"))
	out.WriteByte('\n')
	out.Flush()
}

// Acked tells where the broker has a record; GaveUp that its client gave up and that the record is sent again.
func Acked(number, partition int, offset int64) {
	say(strconv.Itoa(number), strconv.Itoa(partition), strconv.FormatInt(offset, 10))
}

// GaveUp tells that the library reported a failure and that the record is sent again.
func GaveUp(number int) { Acked(number, -1, -1) }

// Wanted is what a consume command has yet to see, by partition.
type Wanted struct {
	lock sync.Mutex
	left map[int]*Range
}

// Ranges copies what is wanted now.
func (w *Wanted) Ranges() map[int]Range {
	w.lock.Lock()
	defer w.lock.Unlock()
	copied := map[int]Range{}
	for partition, left := range w.left {
		copied[partition] = *left
	}
	return copied
}

// Received passes on a record.
func Received(partition int, offset, timestamp int64, key, value []byte, headers []Header) {
	text := null
	if value != nil {
		text = string(value)
	}
	fields := []string{strconv.Itoa(partition), strconv.FormatInt(offset, 10), strconv.FormatInt(timestamp, 10), string(key), text}
	for _, header := range headers {
		fields = append(fields, header.Name+"="+string(header.Value))
	}
	say(fields...)
}

// Take passes on a record if its partition still wants it; false when that partition has all.
func (w *Wanted) Take(partition int, offset, timestamp int64, key, value []byte, headers []Header) bool {
	w.lock.Lock()
	defer w.lock.Unlock()
	want := w.left[partition]
	if want == nil || offset >= want.End {
		return false
	}
	Received(partition, offset, timestamp, key, value, headers)
	want.Next = offset + 1
	if want.Next == want.End {
		delete(w.left, partition)
		return false
	}
	return true
}

// ModuleVersion is the version of a module that the program was built with.
func ModuleVersion(path string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == path {
				return module.Version
			}
		}
	}
	return "?"
}

func number(text string) int64 {
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(err)
	}
	return value
}

func parse(line string) Record {
	fields := strings.Split(line, "\t")
	record := Record{Number: int(number(fields[0])), Partition: int(number(fields[1])), Timestamp: number(fields[2]), Key: []byte(fields[3])}
	if fields[4] != null {
		record.Value = []byte(fields[4])
	}
	for _, field := range fields[5:] {
		name, value, _ := strings.Cut(field, "=")
		record.Headers = append(record.Headers, Header{name, []byte(value)})
	}
	return record
}

type input struct{ scanner *bufio.Scanner }

// line returns the next line, false at the dot that ends a command.
func (in input) line() (string, bool) {
	if !in.scanner.Scan() {
		os.Exit(1) // the driver went away in the middle of a command
	}
	return in.scanner.Text(), in.scanner.Text() != "."
}

func (in input) produce(client Client, topic, codec string) error {
	records := make(chan Record, 1000)
	go func() {
		defer close(records)
		for line, more := in.line(); more; line, more = in.line() {
			records <- parse(line)
		}
	}()
	return client.Produce(topic, codec, records)
}

func (in input) offsets(client Client, topic string) error {
	for line, more := in.line(); more; line, more = in.line() {
		fields := strings.Split(line, "\t")
		offset, err := client.Offset(topic, int(number(fields[0])), fields[1])
		if err != nil {
			return err
		}
		say(line, strconv.FormatInt(offset, 10))
	}
	return nil
}

func (in input) consume(client Client, topic string) error {
	wanted := &Wanted{left: map[int]*Range{}}
	for line, more := in.line(); more; line, more = in.line() {
		fields := strings.Split(line, "\t")
		if next, end := number(fields[1]), number(fields[2]); next < end {
			wanted.left[int(number(fields[0]))] = &Range{next, end}
		}
	}
	return client.Consume(topic, wanted)
}

func (in input) command(client Client, words []string) error {
	switch words[0] {
	case "create":
		return client.Create(words[1], int(number(words[2])))
	case "produce":
		return in.produce(client, words[1], words[2])
	case "offsets":
		return in.offsets(client, words[1])
	case "consume":
		return in.consume(client, words[1])
	case "group":
		return client.Group(words[1], words[2], int(number(words[3])))
	}
	return fmt.Errorf("no such command: %v", words)
}

// Serve carries out commands until stdin ends.
func Serve(name, version string, codecs []string, client Client) {
	in := input{bufio.NewScanner(os.Stdin)}
	in.scanner.Buffer(make([]byte, 1<<16), 1<<20)
	say("hello", name, version, strings.Join(codecs, ","))
	for in.scanner.Scan() {
		if err := in.command(client, strings.Split(in.scanner.Text(), "\t")); err != nil {
			say("error", err.Error())
			os.Exit(1)
		}
		say(".")
	}
}
