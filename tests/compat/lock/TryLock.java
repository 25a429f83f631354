import java.io.File;
import java.io.RandomAccessFile;

/** Takes the lock of a log directory as Apache Kafka does. Prints "locked", or "held by another" and exits with 3. */
public class TryLock {
    public static void main(String[] arguments) throws Exception {
        try (var file = new RandomAccessFile(new File(arguments[0], ".lock"), "rw")) {
            var lock = file.getChannel().tryLock();
            System.out.println(lock == null ? "held by another" : "locked");
            if (lock == null) System.exit(3);
            if (arguments.length > 1) Thread.sleep(Long.parseLong(arguments[1]));
        }
    }
}
