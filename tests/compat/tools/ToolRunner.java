import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.utils.Exit;

/**
 * Calls main() of Kafka's command-line programs one after the other in one JVM, each as if alone: its own stdin, what it
 * prints taken, its exit code and its shutdown hooks caught. Programs are asked for on stdin:
 *
 * <pre>
 *   seconds TAB class TAB argument ...    then lines of its stdin, then a line with a dot
 *   |line of what it printed              the reply, ended by ". exit code"
 * </pre>
 */
public final class ToolRunner {
  /** Unwinds a program that exits. */
  private static final class Exited extends Error {
    Exited() {
      super("exit", null, false, false);
    }
  }

  /** What programs print goes to the step that runs: some keep the stream that they saw first. */
  private static final class Current extends OutputStream {
    private ByteArrayOutputStream step = new ByteArrayOutputStream();
    /** A program that exited prints no more: some catch what unwinds them, and tell of it. */
    private volatile boolean muted;

    @Override
    public synchronized void write(int b) {
      if (!muted) step.write(b);
    }

    @Override
    public synchronized void write(byte[] bytes, int offset, int length) {
      if (!muted) step.write(bytes, offset, length);
    }

    synchronized String taken() {
      String text = step.toString(StandardCharsets.UTF_8);
      step = new ByteArrayOutputStream();
      return text;
    }
  }

  private static final Current printed = new Current();
  private static final List<Runnable> hooks = Collections.synchronizedList(new ArrayList<>());
  private static volatile Integer code;
  private static Map<Thread, Thread> jvmHooks;
  private static Set<Thread> ours;

  private static void exit(int status, String message) {
    if (code == null) {
      code = status;
      if (message != null) System.err.println(message);
      printed.muted = true;
    }
    throw new Exited();
  }

  private static void call(String name, String[] arguments) {
    try {
      Class<?> program = Class.forName(name);
      resetCounts(program);
      program.getMethod("main", String[].class).invoke(null, (Object) arguments);
    } catch (InvocationTargetException thrown) {
      if (thrown.getCause() instanceof Exited) return;
      if (code == null) code = 1;
      System.err.println("Exception in thread \"main\" " + thrown.getCause());
    } catch (ReflectiveOperationException wrong) {
      code = 127;
      System.err.println(wrong);
    }
  }

  /** ConsoleConsumer counts messages in a static field. */
  private static void resetCounts(Class<?> program) throws ReflectiveOperationException {
    for (Field field : program.getDeclaredFields()) {
      if (!field.getName().equals("messageCount")) continue;
      field.setAccessible(true);
      field.setInt(null, 0);
    }
  }

  /** The hooks that programs gave to Kafka's Exit, and those that they gave to the JVM itself since it started. */
  private static void runHooks() {
    for (Runnable hook : List.copyOf(hooks)) hook.run();
    hooks.clear();
    for (Thread hook : List.copyOf(jvmHooks.keySet())) {
      if (ours.contains(hook)) continue;
      jvmHooks.remove(hook);
      hook.run();
    }
  }

  @SuppressWarnings("unchecked")
  private static void findJvmHooks() throws ReflectiveOperationException {
    Field field = Class.forName("java.lang.ApplicationShutdownHooks").getDeclaredField("hooks");
    field.setAccessible(true);
    jvmHooks = (Map<Thread, Thread>) field.get(null);
    ours = Set.copyOf(jvmHooks.keySet());
  }

  /** Runs one program; after the given time its shutdown hooks are called, as an interrupt from the keyboard would. */
  private static void step(int seconds, String name, String[] arguments, String input) throws InterruptedException {
    code = null;
    System.setIn(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)));
    Thread main = new Thread(() -> call(name, arguments), "main-of-" + name);
    main.setDaemon(true);
    main.start();
    main.join(seconds * 1000L);
    boolean late = main.isAlive();
    printed.muted = false;
    runHooks();
    main.join(5_000);
    if (main.isAlive()) System.err.println("it does not end");
    else if (late) System.err.println("ended by hand");
  }

  public static void main(String[] arguments) throws Exception {
    PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
    Class.forName("org.apache.logging.log4j.LogManager").getMethod("getLogger", String.class).invoke(null, "first");
    findJvmHooks();
    PrintStream taking = new PrintStream(printed, true, StandardCharsets.UTF_8);
    System.setOut(taking);
    System.setErr(taking);
    Exit.setExitProcedure(ToolRunner::exit);
    Exit.setHaltProcedure(ToolRunner::exit);
    Exit.setShutdownHookAdder((name, hook) -> hooks.add(hook));
    BufferedReader in = new BufferedReader(new InputStreamReader(new java.io.FileInputStream(FileDescriptor.in), StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] words = line.split("\t", -1);
      StringBuilder input = new StringBuilder();
      for (line = in.readLine(); line != null && !line.equals("."); line = in.readLine()) input.append(line).append('\n');
      step(Integer.parseInt(words[0]), words[1], Arrays.copyOfRange(words, 2, words.length), input.toString());
      printed.taken().lines().forEach(each -> out.print("|" + each + "\n"));
      out.print(". " + (code == null ? 0 : code) + "\n");
      out.flush();
    }
    Runtime.getRuntime().halt(0);
  }
}
