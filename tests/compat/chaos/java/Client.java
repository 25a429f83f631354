import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** A member of a group that writes a journal (README.md): the Java client, of either group protocol. */
public final class Client implements ConsumerRebalanceListener {
  private final FileOutputStream journal;
  private final KafkaConsumer<byte[], byte[]> consumer;
  private final Map<TopicPartition, OffsetAndMetadata> pending = new HashMap<>();
  private volatile boolean stopping;
  private String claimed = "";

  private Client(String bootstrap, String group, String path, String protocol) throws IOException {
    journal = new FileOutputStream(path, true);
    Map<String, Object> settings = new HashMap<>(Map.of("bootstrap.servers", bootstrap, "group.id", group, "group.protocol", protocol,
        "auto.offset.reset", "earliest", "enable.auto.commit", false, "max.poll.interval.ms", 15000, "max.poll.records", 200));
    if (protocol.equals("classic")) settings.putAll(Map.of("session.timeout.ms", 6000, "heartbeat.interval.ms", 1500));
    consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  private static String line(Object... fields) {
    StringBuilder line = new StringBuilder().append(System.currentTimeMillis());
    for (Object field : fields) line.append('\t').append(field);
    return line.append('\n').toString();
  }

  private void write(String text) {
    try {
      journal.write(text.getBytes(StandardCharsets.UTF_8));
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  private static String numbers(Collection<TopicPartition> partitions) {
    return new TreeSet<>(partitions.stream().map(TopicPartition::partition).toList()).stream().map(String::valueOf).collect(Collectors.joining(","));
  }

  private String claim() {
    var group = consumer.groupMetadata();
    return group.generationId() + "\t" + group.memberId() + "\t" + numbers(consumer.assignment());
  }

  @Override
  public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
    claimed = claim();
    write(line("assigned", numbers(partitions), claimed));
  }

  @Override
  public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
    pending.keySet().removeAll(partitions);
    write(line("revoked", numbers(partitions)));
  }

  /** With the new protocol a member learns of a new epoch without any partition coming or going. */
  private void claimAgain() {
    if (claim().equals(claimed)) return;
    claimed = claim();
    write(line("owns", claimed));
  }

  private void commit() {
    if (pending.isEmpty()) return;
    Map<Integer, Long> offsets = new TreeMap<>();
    pending.forEach((where, what) -> offsets.put(where.partition(), what.offset()));
    String text = offsets.entrySet().stream().map(each -> each.getKey() + ":" + each.getValue()).collect(Collectors.joining(","));
    write(line("committing", consumer.groupMetadata().generationId(), text));
    try {
      consumer.commitSync(Map.copyOf(pending), Duration.ofSeconds(10));
      write(line("committed"));
      pending.clear();
    } catch (WakeupException error) {
      throw error;
    } catch (KafkaException error) { // the next poll learns of the rebalance; what is still owned is committed again
      write(line("refused", error.getClass().getSimpleName()));
    }
  }

  private void run(String topic) {
    consumer.subscribe(List.of(topic), this);
    while (!stopping) {
      StringBuilder lines = new StringBuilder();
      for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(300))) {
        String number = new String(record.value(), StandardCharsets.UTF_8).split(" ", 2)[0];
        lines.append(line("record", record.partition(), record.offset(), number));
        pending.put(new TopicPartition(topic, record.partition()), new OffsetAndMetadata(record.offset() + 1));
      }
      claimAgain();
      write(lines.toString());
      commit();
    }
  }

  public static void main(String[] args) throws Exception {
    Client client = new Client(args[0], args[2], args[3], args[4]);
    Thread main = Thread.currentThread();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      client.stopping = true;
      client.consumer.wakeup();
      try {
        main.join(20000);
      } catch (InterruptedException error) {
        throw new IllegalStateException(error);
      }
    }));
    client.write(line("began"));
    try {
      client.run(args[1]);
    } catch (WakeupException error) {
      if (!client.stopping) throw error;
    }
    client.consumer.close();
    client.write(line("ended"));
  }
}
