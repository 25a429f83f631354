import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.AppInfoParser;

/** The Java client at its defaults: idempotent, acks=all. Speaks with tests/compat/clients/run (README.md). */
public final class Client {
  private static final String NULL = "\\N";
  private final BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
  private final PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
  private final Map<String, Object> bootstrap;
  private final KafkaConsumer<byte[], byte[]> consumer;

  private Client(String address) {
    bootstrap = Map.of("bootstrap.servers", address);
    consumer = new KafkaConsumer<>(with("auto.offset.reset", "none"), new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  private Map<String, Object> with(String key, String value) {
    Map<String, Object> all = new HashMap<>(bootstrap);
    all.put(key, value);
    return all;
  }

  private synchronized void say(Object... fields) {
    StringBuilder line = new StringBuilder();
    for (Object field : fields) line.append(line.length() == 0 ? "" : "\t").append(field);
    out.print(line.append('\n'));
    out.flush();
  }

  /** The next line of a command, null at the dot that ends it. */
  private String[] line() throws Exception {
    String line = in.readLine();
    return line == null || line.equals(".") ? null : line.split("\t", -1);
  }

  private void create(String topic, int partitions) throws Exception {
    try (Admin admin = Admin.create(bootstrap)) {
      admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1))).all().get();
    }
  }

  private static byte[] bytes(String text) {
    return text.equals(NULL) ? null : text.getBytes(StandardCharsets.UTF_8);
  }

  private void produce(String topic, String codec) throws Exception {
    AtomicReference<Exception> failure = new AtomicReference<>();
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(with("compression.type", codec), new ByteArraySerializer(), new ByteArraySerializer())) {
      for (String[] f = line(); f != null; f = line()) {
        List<Header> headers = new ArrayList<>();
        for (int i = 5; i < f.length; i++) {
          String[] header = f[i].split("=", 2);
          headers.add(new RecordHeader(header[0], bytes(header[1])));
        }
        String number = f[0];
        ProducerRecord<byte[], byte[]> record =
            new ProducerRecord<>(topic, Integer.valueOf(f[1]), Long.valueOf(f[2]), bytes(f[3]), bytes(f[4]), headers);
        producer.send(record, (sent, error) -> {
          if (error != null) failure.compareAndSet(null, error);
          else say(number, sent.partition(), sent.offset());
        });
      }
    }
    if (failure.get() != null) throw failure.get();
  }

  private long offset(TopicPartition where, String what) {
    if (what.equals("earliest")) return consumer.beginningOffsets(List.of(where)).get(where);
    if (what.equals("latest")) return consumer.endOffsets(List.of(where)).get(where);
    var found = consumer.offsetsForTimes(Map.of(where, Long.parseLong(what))).get(where);
    return found == null ? -1 : found.offset();
  }

  private void offsets(String topic) throws Exception {
    for (String[] f = line(); f != null; f = line()) say(f[0], f[1], offset(new TopicPartition(topic, Integer.parseInt(f[0])), f[1]));
  }

  private void consume(String topic) throws Exception {
    Map<TopicPartition, Long> ends = new LinkedHashMap<>();
    Map<TopicPartition, Long> starts = new LinkedHashMap<>();
    for (String[] f = line(); f != null; f = line()) {
      if (Long.parseLong(f[1]) >= Long.parseLong(f[2])) continue;
      TopicPartition partition = new TopicPartition(topic, Integer.parseInt(f[0]));
      starts.put(partition, Long.parseLong(f[1]));
      ends.put(partition, Long.parseLong(f[2]));
    }
    consumer.assign(starts.keySet());
    starts.forEach(consumer::seek);
    while (!ends.isEmpty()) {
      for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
        TopicPartition partition = new TopicPartition(topic, record.partition());
        Long end = ends.get(partition);
        if (end == null) continue;
        received(record);
        if (record.offset() + 1 >= end) ends.remove(partition);
      }
    }
  }

  private void group(String topic, String group, int count) {
    Map<String, Object> settings = with("group.id", group);
    settings.put("auto.offset.reset", "earliest");
    try (KafkaConsumer<byte[], byte[]> member = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      member.subscribe(List.of(topic));
      for (int left = count; left > 0;) {
        for (ConsumerRecord<byte[], byte[]> record : member.poll(Duration.ofSeconds(1))) {
          received(record);
          left--;
        }
      }
    }
  }

  private void received(ConsumerRecord<byte[], byte[]> record) {
    List<Object> fields = new ArrayList<>(List.of(record.partition(), record.offset(), record.timestamp(),
        new String(record.key(), StandardCharsets.UTF_8), record.value() == null ? NULL : new String(record.value(), StandardCharsets.UTF_8)));
    for (Header header : record.headers()) fields.add(header.key() + "=" + new String(header.value(), StandardCharsets.UTF_8));
    say(fields.toArray());
  }

  private void serve() throws Exception {
    say("hello", "kafka-clients", AppInfoParser.getVersion(), "none,gzip,snappy,lz4,zstd");
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] f = line.split("\t");
      switch (f[0]) {
        case "create" -> create(f[1], Integer.parseInt(f[2]));
        case "produce" -> produce(f[1], f[2]);
        case "offsets" -> offsets(f[1]);
        case "consume" -> consume(f[1]);
        case "group" -> group(f[1], f[2], Integer.parseInt(f[3]));
        default -> throw new IllegalArgumentException("no such command: " + line);
      }
      say(".");
    }
    consumer.close();
  }

  public static void main(String[] args) throws Exception {
    Client client = new Client(args[0]);
    try {
      client.serve();
    } catch (Exception error) {
      error.printStackTrace();
      client.say("error", error.toString().replace('\n', ' '));
      System.exit(1);
    }
  }
}
