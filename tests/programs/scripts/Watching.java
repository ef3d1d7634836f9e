// WatchService: files that come, change and go in directories, several of them, cancelled keys,
// waiting with and without a limit.
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import static java.nio.file.StandardWatchEventKinds.*;

public class Watching {
    static final Path root = Path.of(System.getenv("R"));

    // What is told until the last of `wanted` was: what comes how often is the kernel's affair.
    static void until(WatchService service, String... wanted) throws Exception {
        Set<String> seen = new TreeSet<>();
        while (!seen.containsAll(List.of(wanted))) {
            WatchKey key = service.poll(30, TimeUnit.SECONDS);
            if (key == null) { break; }
            for (WatchEvent<?> event : key.pollEvents()) {
                seen.add(event.kind().name().replace("ENTRY_", "") + " " + root.relativize((Path) key.watchable()).resolve(String.valueOf(event.context())));
            }
            if (!key.reset()) { seen.add("GONE " + root.relativize((Path) key.watchable())); }
        }
        System.out.println(seen);
    }

    public static void main(String[] arguments) throws Exception {
        Path dir = root.resolve("dir"), names = root.resolve("names");
        try (WatchService service = FileSystems.getDefault().newWatchService()) {
            System.out.println(service.poll());
            WatchKey in = dir.register(service, ENTRY_CREATE, ENTRY_MODIFY, ENTRY_DELETE);
            WatchKey other = names.register(service, ENTRY_CREATE, ENTRY_DELETE);
            Files.writeString(dir.resolve("a"), "x");
            until(service, "CREATE dir/a", "MODIFY dir/a");
            Files.writeString(dir.resolve("two.c"), "more", StandardOpenOption.APPEND);
            until(service, "MODIFY dir/two.c");
            Files.move(dir.resolve("a"), names.resolve("ü b"));
            until(service, "DELETE dir/a", "CREATE names/ü b");
            Files.createDirectory(dir.resolve("new"));
            Files.createSymbolicLink(names.resolve("soft"), Path.of("x"));
            until(service, "CREATE dir/new", "CREATE names/soft");
            FutureTask<WatchKey> taking = new FutureTask<>(service::take);
            Thread thread = new Thread(taking);
            thread.start();
            Files.delete(names.resolve("soft"));
            WatchKey key = taking.get();
            System.out.println(key.equals(other) + " " + key.pollEvents().get(0).kind());
            key.reset();
            other.cancel();
            Files.delete(names.resolve("ü b"));
            Files.delete(dir.resolve("new"));
            until(service, "DELETE dir/new");
            System.out.println(other.isValid() + " " + in.isValid());
            WatchKey gone = root.resolve("empty_dir").register(service, ENTRY_CREATE);
            Files.delete(root.resolve("empty_dir"));
            until(service, "GONE empty_dir");
            System.out.println(gone.isValid());
            for (String name : List.of("missing", "notes.txt")) {
                try { root.resolve(name).register(service, ENTRY_CREATE); } catch (Exception e) { System.out.println(e.getClass().getSimpleName()); }
            }
            System.out.println(root.resolve("link_to_dir").register(service, ENTRY_CREATE).watchable().equals(root.resolve("link_to_dir")));
            Process child = new ProcessBuilder("sh", "-c", "echo by a child > link_to_dir/child").directory(root.toFile()).start();
            until(service, "CREATE link_to_dir/child");
            System.out.println(child.waitFor());
        }
    }
}
