// Makes random messages with Kafka's own generated classes, and reads messages that we made.
//
//   java -cp 'JARS/*' KafkaMessages.java make LIST COUNT SEED > FILE
//       LIST has lines "name low high". Writes COUNT random messages and one of defaults for every
//       version that Kafka has: "name version hex json".
//   java -cp 'JARS/*' KafkaMessages.java check FILE
//       FILE has lines "name version hex json". Decodes, compares the JSON, encodes, compares the bytes.
//       Exits with 1 on a difference.
//
// Random values follow the JSON schemas inside the jars and go in through the JsonConverter classes.
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BinaryNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStream;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;

public class KafkaMessages {
  static final ObjectMapper MAPPER =
      new ObjectMapper().configure(JsonParser.Feature.ALLOW_COMMENTS, true);
  static final JsonNodeFactory NODES = JsonNodeFactory.instance;
  static final String[] PACKAGES = {
    "org.apache.kafka.common.message.", "org.apache.kafka.common.metadata.",
    "org.apache.kafka.coordinator.group.generated.",
    "org.apache.kafka.coordinator.transaction.generated.",
    "org.apache.kafka.coordinator.share.generated.", "org.apache.kafka.raft.generated.",
  };
  // Schema files that are not called as their message.
  static final Map<String, String> FILES = Map.of("ZkMigrationStateRecord", "ZkMigrationRecord");

  // One message type: its classes and its schema.
  static class Type {
    final String name;
    final Class<?> message;
    final Class<?> converter;
    final ObjectNode schema;
    final Map<String, JsonNode> common = new HashMap<>();
    final short low;
    final short high;

    Type(String name) throws Exception {
      this.name = name;
      this.message = find(name);
      this.converter = Class.forName(message.getName() + "JsonConverter");
      this.schema = load(FILES.getOrDefault(name, name));
      for (JsonNode struct : schema.path("commonStructs")) {
        common.put(struct.get("name").asText(), struct.get("fields"));
      }
      low = message.getField("LOWEST_SUPPORTED_VERSION").getShort(null);
      high = message.getField("HIGHEST_SUPPORTED_VERSION").getShort(null);
    }

    Message blank() throws Exception {
      return (Message) message.getConstructor().newInstance();
    }

    Message fromJson(JsonNode json, short version) throws Exception {
      Method read = converter.getMethod("read", JsonNode.class, short.class);
      return (Message) read.invoke(null, json, version);
    }

    JsonNode toJson(Message value, short version) throws Exception {
      Method write = converter.getMethod("write", message, short.class, boolean.class);
      return (JsonNode) write.invoke(null, value, version, false);
    }
  }

  static Class<?> find(String name) throws ClassNotFoundException {
    for (String at : PACKAGES) {
      for (String suffix : new String[] {"Data", ""}) {
        try {
          return Class.forName(at + name + suffix);
        } catch (ClassNotFoundException next) {
          continue;
        }
      }
    }
    throw new ClassNotFoundException(name);
  }

  static ObjectNode load(String name) throws Exception {
    for (String folder : new String[] {"common/message/", "common/metadata/"}) {
      try (InputStream in = KafkaMessages.class.getClassLoader().getResourceAsStream(folder + name + ".json")) {
        if (in != null) return (ObjectNode) MAPPER.readTree(in);
      }
    }
    throw new IllegalStateException("no schema for " + name);
  }

  static boolean contains(String range, int version) {
    if (range == null || range.equals("none")) return false;
    if (range.endsWith("+")) return version >= Integer.parseInt(range.substring(0, range.length() - 1));
    String[] ends = range.split("-");
    return version >= Integer.parseInt(ends[0]) && version <= Integer.parseInt(ends[ends.length - 1]);
  }

  static String text(JsonNode node, String name) {
    return node.has(name) ? node.get(name).asText() : null;
  }

  // ---- random messages ----

  static ObjectNode struct(Type type, JsonNode fields, int version, Random random) {
    ObjectNode out = NODES.objectNode();
    for (JsonNode field : fields) {
      String versions = field.has("versions") ? text(field, "versions") : text(field, "taggedVersions");
      if (!contains(versions, version)) continue;
      if (field.has("tag") && random.nextInt(3) == 0) continue;
      String name = text(field, "name");
      name = Character.toLowerCase(name.charAt(0)) + name.substring(1);
      boolean nullable = contains(text(field, "nullableVersions"), version);
      out.set(name, nullable && random.nextInt(4) == 0
          ? NullNode.instance : value(type, field, text(field, "type"), version, random));
    }
    return out;
  }

  static JsonNode value(Type type, JsonNode field, String kind, int version, Random random) {
    if (kind.startsWith("[]")) {
      ArrayNode out = NODES.arrayNode();
      for (int left = random.nextInt(4); left > 0; --left) {
        out.add(value(type, field, kind.substring(2), version, random));
      }
      return out;
    }
    boolean small = random.nextBoolean();
    switch (kind) {
      case "bool": return NODES.booleanNode(random.nextBoolean());
      case "int8": return NODES.numberNode((short) (byte) random.nextInt());
      case "int16": return NODES.numberNode(small ? (short) random.nextInt(100) : (short) random.nextInt());
      case "uint16": return NODES.numberNode(random.nextInt(65536));
      case "int32": return NODES.numberNode(small ? random.nextInt(100) : random.nextInt());
      case "uint32": return NODES.numberNode(random.nextLong() & 0xffffffffL);
      case "int64": return NODES.numberNode(small ? random.nextInt(100) : random.nextLong());
      case "float64": return NODES.numberNode(random.nextInt() / 8.0);
      case "uuid": return NODES.textNode(uuid(random).toString());
      case "string": return NODES.textNode(string(random));
      case "bytes":
      case "records": {
        byte[] bytes = new byte[random.nextInt(60)];
        random.nextBytes(bytes);
        return new BinaryNode(bytes);
      }
      default: {
        JsonNode fields = field.has("fields") ? field.get("fields") : type.common.get(kind);
        return struct(type, fields, version, random);
      }
    }
  }

  static Uuid uuid(Random random) {
    return random.nextInt(6) == 0 ? Uuid.ZERO_UUID : new Uuid(random.nextLong(), random.nextLong());
  }

  static String string(Random random) {
    int size = random.nextInt(8) == 0 ? 150 : random.nextInt(12);
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < size; ++i) {
      out.append(random.nextInt(10) == 0 ? "\u00e9" : String.valueOf((char) ('a' + random.nextInt(26))));
    }
    return out.toString();
  }

  // ---- bytes ----

  static byte[] encode(Message message, short version) {
    ObjectSerializationCache cache = new ObjectSerializationCache();
    ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, version));
    message.write(new ByteBufferAccessor(buffer), cache, version);
    return buffer.array();
  }

  static void print(PrintStream out, Type type, Message message, short version) throws Exception {
    out.print(type.name + " " + version + " " + HexFormat.of().formatHex(encode(message, version)) + " ");
    out.println(type.toJson(message, version));
  }

  static void make(String list, int count, long seed) throws Exception {
    PrintStream out = new PrintStream(System.out, false, "UTF-8");
    int pairs = 0;
    for (String line : Files.readAllLines(Path.of(list))) {
      String[] words = line.split(" ");
      Type type = new Type(words[0]);
      for (int v = Math.max(type.low, Integer.parseInt(words[1])); v <= type.high; ++v) {
        ++pairs;
        print(out, type, type.blank(), (short) v);
        Random random = new Random(seed * 1000003 + type.name.hashCode() * 31L + v);
        for (int i = 0; i < count; ++i) {
          JsonNode json = struct(type, type.schema.get("fields"), v, random);
          print(out, type, type.fromJson(json, (short) v), (short) v);
        }
      }
    }
    out.flush();
    System.err.println("Kafka made messages of " + pairs + " (message, version) pairs");
  }

  static void check(String file) throws Exception {
    Map<String, Type> types = new HashMap<>();
    int messages = 0;
    int bad = 0;
    try (BufferedReader in = Files.newBufferedReader(Path.of(file))) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        String[] words = line.split(" ", 4);
        if (!types.containsKey(words[0])) types.put(words[0], new Type(words[0]));
        Type type = types.get(words[0]);
        short version = Short.parseShort(words[1]);
        if (version < type.low || version > type.high) continue;
        ++messages;
        String problem = problem(type, version, HexFormat.of().parseHex(words[2]), words[3]);
        if (problem != null && ++bad <= 20) {
          System.out.println(words[0] + " v" + version + ": " + problem + "\n  " + words[2]);
        }
      }
    }
    System.out.println("Kafka read " + messages + " of our messages, " + bad + " differ");
    System.exit(bad == 0 ? 0 : 1);
  }

  static String problem(Type type, short version, byte[] bytes, String json) {
    try {
      ByteBuffer buffer = ByteBuffer.wrap(bytes);
      Message message = type.blank();
      message.read(new ByteBufferAccessor(buffer), version);
      if (buffer.hasRemaining()) return buffer.remaining() + " bytes left";
      if (!java.util.Arrays.equals(encode(message, version), bytes)) return "encodes differently";
      JsonNode ours = MAPPER.readTree(json);
      JsonNode theirs = MAPPER.readTree(type.toJson(message, version).toString());
      return ours.equals(theirs) ? null : "JSON differs: ours " + ours + ", Kafka's " + theirs;
    } catch (Exception error) {
      return "refused: " + error;
    }
  }

  public static void main(String[] args) throws Exception {
    if (args[0].equals("make")) {
      make(args[1], Integer.parseInt(args[2]), Long.parseLong(args[3]));
    } else {
      check(args[1]);
    }
  }
}
