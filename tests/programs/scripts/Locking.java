// FileLock: exclusive, shared, of ranges, tried and waited for, overlapping in one machine, against
// other processes and against their record locks.
import java.io.*;
import java.nio.channels.*;
import java.nio.file.*;
import java.util.concurrent.*;

public class Locking {
    static final Path root = Path.of(System.getenv("R"));

    interface Action { Object run() throws Exception; }

    static void show(String what, Action action) {
        try { System.out.println(what + ": " + action.run()); } catch (Exception e) { System.out.println(what + ": " + e.getClass().getSimpleName()); }
    }

    static String locked(FileLock lock) { return lock == null ? "none" : lock.position() + "+" + lock.size() + (lock.isShared() ? " shared" : "") + (lock.isValid() ? "" : " invalid"); }

    // What another process may lock; it ends at once.
    static String other(String kind, int start, int length) throws Exception {
        Process child = new ProcessBuilder("python3", "-B", "-c", "import fcntl, sys\ntry: fcntl.lockf(open('locked', 'r+'), fcntl.LOCK_NB | fcntl.LOCK_" + kind + ", " + length + ", " + start + "); print('free')\nexcept OSError as e: print(e.errno)").directory(root.toFile()).start();
        return new String(child.getInputStream().readAllBytes()).trim();
    }

    static void oneChannel(FileChannel c) throws Exception {
        FileLock whole = c.tryLock();
        show("whole", () -> locked(whole));
        show("seen by others", () -> other("EX", 0, 1) + " " + other("SH", 0, 1));
        show("again", () -> locked(c.tryLock()));
        show("overlapping", () -> locked(c.lock(5, 10, true)));
        whole.release();
        show("released", () -> locked(whole) + " " + other("EX", 0, 0));
        FileLock low = c.lock(0, 10, false), high = c.lock(20, 10, true);
        show("two", () -> locked(low) + ", " + locked(high) + ", " + low.overlaps(5, 1) + high.overlaps(5, 1));
        show("between", () -> other("EX", 10, 10) + " " + other("EX", 9, 2) + " " + other("SH", 20, 5) + " " + other("EX", 29, 1) + " " + other("EX", 30, 0));
        low.close();
        high.close();
        show("far", () -> { try (FileLock l = c.tryLock(Long.MAX_VALUE - 1, 1, false)) { return locked(l); } });
        show("negative", () -> locked(c.tryLock(-1, 1, false)));
    }

    static void otherProcess(FileChannel c) throws Exception {
        Process holder = new ProcessBuilder("python3", "-B", "-u", "-c", "import fcntl, sys\nf = open('locked', 'r+'); fcntl.lockf(f, fcntl.LOCK_SH, 10); print('held'); sys.stdin.readline(); g = open('locked', 'r+'); print(g.read(1) == ''); g.close(); sys.stdin.readline()").directory(root.toFile()).start();
        BufferedReader out = new BufferedReader(new InputStreamReader(holder.getInputStream()));
        show("holder", out::readLine);
        show("exclusive", () -> locked(c.tryLock()));
        show("shared", () -> { try (FileLock l = c.tryLock(0, 10, true)) { return locked(l); } });
        show("beside", () -> { try (FileLock l = c.tryLock(10, Long.MAX_VALUE - 10, false)) { return locked(l); } });
        FutureTask<String> waiting = new FutureTask<>(() -> { try (FileLock l = c.lock()) { return locked(l); } });
        Thread thread = new Thread(waiting);
        thread.start();
        holder.getOutputStream().write('\n');
        holder.getOutputStream().flush();
        show("closing releases", out::readLine);
        show("waited", waiting::get);
        holder.getOutputStream().close();
        show("ended", holder::waitFor);
        thread.join();
    }

    static void twoChannels() throws Exception {
        try (FileChannel one = FileChannel.open(root.resolve("locked"), StandardOpenOption.WRITE); FileChannel two = FileChannel.open(root.resolve("locked"), StandardOpenOption.READ)) {
            FileLock l = one.lock();
            show("second channel", () -> locked(two.tryLock(0, 1, true)));
            show("reader exclusive", () -> locked(two.tryLock()));
            l.release();
            show("reader", () -> locked(two.lock(0, 5, true)));
            show("reader's", () -> other("SH", 0, 5) + " " + other("EX", 0, 5));
            show("writer shared", () -> locked(one.lock(50, 5, true)));
        }
        show("closed", () -> other("EX", 0, 0));
        try (RandomAccessFile f = new RandomAccessFile(root.resolve("locked").toFile(), "rw")) {
            FileLock l = f.getChannel().lock();
            f.write(1);
            show("random access", () -> f.length() + " " + locked(l));
        }
    }

    static void interruptedWait(FileChannel c) throws Exception {
        Process holder = new ProcessBuilder("python3", "-B", "-u", "-c", "import fcntl, sys\nf = open('locked', 'r+'); fcntl.lockf(f, fcntl.LOCK_EX); print('held'); sys.stdin.readline()").directory(root.toFile()).start();
        holder.getInputStream().read(new byte[5]);
        FutureTask<String> waiting = new FutureTask<>(() -> locked(c.lock()));
        Thread thread = new Thread(waiting);
        thread.start();
        while (thread.getState() == Thread.State.NEW) { Thread.onSpinWait(); }
        thread.interrupt();
        show("interrupted", () -> { try { return waiting.get(); } catch (ExecutionException e) { return e.getCause().getClass().getSimpleName() + " " + c.isOpen(); } });
        holder.getOutputStream().close();
        show("ended", holder::waitFor);
        thread.join();
    }

    public static void main(String[] arguments) throws Exception {
        try (FileChannel c = FileChannel.open(root.resolve("locked"), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            oneChannel(c);
            otherProcess(c);
            interruptedWait(c);
        }
        twoChannels();
    }
}
