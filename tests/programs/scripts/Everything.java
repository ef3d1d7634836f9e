// Java's ways to files: java.io, java.nio, channels, maps, locks, archives, class loaders, children.
import java.io.*;
import java.net.*;
import java.nio.*;
import java.nio.channels.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.nio.file.attribute.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.jar.*;
import java.util.stream.*;
import java.util.zip.*;

public class Everything {
    static final Path root = Path.of(System.getenv("R")), local = Path.of(System.getenv("L"));

    static void show(Object... values) {
        System.out.println(Arrays.stream(values)
            .map(v -> String.valueOf(v).replace(root.toString(), "$R").replace(local.toString(), "$L"))
            .collect(Collectors.joining(" ")));
    }

    interface Action { Object run() throws Exception; }

    static Object error(Action action) {
        try { return action.run(); } catch (Exception e) { return e.getClass().getSimpleName() + ": " + e.getMessage(); }
    }

    static void files() throws Exception {
        show(Files.readAllLines(root.resolve("table.csv")), Files.size(root.resolve("noise.bin")));
        Files.writeString(root.resolve("w"), "written");
        Files.write(root.resolve("w"), List.of("", "more"), StandardOpenOption.APPEND);
        show(Files.readString(root.resolve("w")), Files.exists(root.resolve("dangling")), Files.isSymbolicLink(root.resolve("link")));
        Files.copy(root.resolve("run.sh"), root.resolve("c"), StandardCopyOption.COPY_ATTRIBUTES);
        Files.copy(root.resolve("noise.bin"), local.resolve("n"));
        Files.copy(local.resolve("n"), root.resolve("n2"));
        Files.move(local.resolve("n"), root.resolve("n3"));
        Files.move(root.resolve("c"), root.resolve("dir/c"), StandardCopyOption.ATOMIC_MOVE);
        show(Files.mismatch(root.resolve("n2"), root.resolve("n3")), PosixFilePermissions.toString(Files.getPosixFilePermissions(root.resolve("dir/c"))));
        show(error(() -> Files.copy(root.resolve("w"), root.resolve("n2"))), error(() -> Files.deleteIfExists(root.resolve("dir"))));
        show(error(() -> Files.readString(root.resolve("none"))), error(() -> Files.createDirectory(root.resolve("dir"))), error(() -> Files.newDirectoryStream(root.resolve("w"))));
        Files.createDirectories(root.resolve("a/b/c"));
        Files.createSymbolicLink(root.resolve("s"), Path.of("w"));
        Files.createLink(root.resolve("h"), root.resolve("w"));
        show(Files.readSymbolicLink(root.resolve("s")), Files.isSameFile(root.resolve("h"), root.resolve("s")), root.resolve("link_to_dir").toRealPath(), root.resolve("dir/../w").toRealPath());
        Files.setLastModifiedTime(root.resolve("w"), FileTime.fromMillis(1000));
        Files.setPosixFilePermissions(root.resolve("w"), PosixFilePermissions.fromString("rw-r-----"));
        show(Files.readAttributes(root.resolve("w"), "posix:permissions,size,lastModifiedTime,isRegularFile"), Files.getOwner(root.resolve("w")), Files.getAttribute(root.resolve("w"), "unix:nlink"));
        UserDefinedFileAttributeView user = Files.getFileAttributeView(root.resolve("w"), UserDefinedFileAttributeView.class);
        user.write("colour", ByteBuffer.wrap("red".getBytes()));
        show(user.list(), user.size("colour"), Files.getFileStore(root).supportsFileAttributeView("posix"));
        Path t = Files.createTempFile(root, "t", ".x"), d = Files.createTempDirectory(root, "d");
        show(Files.size(t), PosixFilePermissions.toString(Files.getPosixFilePermissions(d)));
        Files.delete(t);
        Files.delete(d);
    }

    static void walking() throws Exception {
        try (Stream<Path> all = Files.walk(root)) { show(all.map(p -> root.relativize(p).toString()).filter(p -> !p.contains("names")).sorted().toList()); }
        try (Stream<Path> found = Files.find(root, 9, (p, a) -> a.isRegularFile() && a.size() > 100, FileVisitOption.FOLLOW_LINKS)) { show(found.sorted().toList()); }
        try (DirectoryStream<Path> some = Files.newDirectoryStream(root, "n*.{txt,bin}")) { List<Path> l = new ArrayList<>(); some.forEach(l::add); Collections.sort(l); show(l); }
        File[] list = root.toFile().listFiles();
        Arrays.sort(list);
        for (File f : list) { show(f.getName(), f.length() * (f.isFile() ? 1 : 0), f.isDirectory(), f.canRead(), f.canExecute(), f.lastModified() / 100000000000L); }
        Files.walkFileTree(root.resolve("a"), new SimpleFileVisitor<>() {
            public FileVisitResult visitFile(Path p, BasicFileAttributes a) throws IOException { Files.delete(p); return FileVisitResult.CONTINUE; }
            public FileVisitResult postVisitDirectory(Path p, IOException e) throws IOException { Files.delete(p); return FileVisitResult.CONTINUE; }
        });
        File f = root.resolve("old").toFile();
        show(f.mkdir(), f.mkdirs(), f.renameTo(root.resolve("new").toFile()), f.exists(), root.resolve("new").toFile().delete(), f.delete(), root.resolve("w").toFile().setReadOnly(), root.toFile().getUsableSpace() > 0, root.resolve("dir/..").toFile().getCanonicalPath());
    }

    static void channels() throws Exception {
        try (RandomAccessFile f = new RandomAccessFile(root.resolve("r").toFile(), "rw")) {
            f.writeInt(7); f.writeUTF("über"); f.seek(100); f.write(1); f.setLength(50); f.seek(0);
            show(f.readInt(), f.readUTF(), f.length(), f.getFilePointer(), f.skipBytes(100));
        }
        try (FileChannel c = FileChannel.open(root.resolve("r"), StandardOpenOption.READ, StandardOpenOption.WRITE); FileChannel n = FileChannel.open(root.resolve("noise.bin")); FileChannel l = FileChannel.open(local.resolve("l"), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.DELETE_ON_CLOSE)) {
            show(c.write(new ByteBuffer[] {ByteBuffer.wrap("ab".getBytes()), ByteBuffer.wrap("cd".getBytes())}), c.position(), c.size());
            show(n.transferTo(10, 100000, c), c.transferFrom(n.position(0), 5, 1000), n.transferTo(0, 300000, l), l.transferTo(0, 5000, c), l.size(), c.size());
            c.force(true);
            c.truncate(2000);
            MappedByteBuffer m = n.map(FileChannel.MapMode.READ_ONLY, 4000, 200000);
            CRC32 crc = new CRC32();
            crc.update(m);
            show(crc.getValue(), m.load().isLoaded() || true);
            MappedByteBuffer p = c.map(FileChannel.MapMode.PRIVATE, 0, 100);
            p.put(0, (byte) 'P');
            ByteBuffer b = ByteBuffer.allocateDirect(4);
            c.read(b, 0);
            show(p.get(0), b.get(0), c.read(ByteBuffer.allocate(10), 5000));
            MappedByteBuffer w = c.map(FileChannel.MapMode.READ_WRITE, 0, 4096);
            w.put(10, (byte) 'W').put(3000, (byte) 'X');
            w.force();
            b.clear();
            c.read(b, 10);
            show(b.get(0), c.size());
        }
        try (AsynchronousFileChannel a = AsynchronousFileChannel.open(root.resolve("a"), StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.READ)) {
            show(a.write(ByteBuffer.wrap("async".getBytes()), 3).get(), a.read(ByteBuffer.allocate(20), 0).get());
        }
        try (BufferedReader r = new BufferedReader(new FileReader(root.resolve("notes.txt").toFile())); PrintWriter w = new PrintWriter(new FileWriter(root.resolve("p").toFile(), true)); Scanner s = new Scanner(root.resolve("numbers.txt"))) {
            show(r.readLine(), s.nextInt() + s.nextInt());
            w.printf("%d%n", 5);
        }
        try (FileInputStream in = new FileInputStream(root.resolve("noise.bin").toFile()); FileOutputStream out = new FileOutputStream(local.resolve("o").toFile())) {
            show(in.skip(1000), in.available(), in.read(), in.transferTo(out), out.getChannel().size());
        }
        Files.delete(local.resolve("o"));
    }

    static void archives() throws Exception {
        Path jar = root.resolve("x.jar");
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar), manifest)) {
            out.putNextEntry(new ZipEntry("res/data.txt"));
            out.write("resource".getBytes());
        }
        try (JarFile j = new JarFile(jar.toFile())) { show(j.stream().map(ZipEntry::getName).toList(), j.getManifest().getMainAttributes().size()); }
        try (URLClassLoader loader = new URLClassLoader(new URL[] {jar.toUri().toURL(), root.resolve("dir").toUri().toURL()})) {
            show(new String(loader.getResourceAsStream("res/data.txt").readAllBytes()), new String(loader.getResourceAsStream("sub/deep.txt").readAllBytes()));
        }
        try (FileSystem zip = FileSystems.newFileSystem(jar)) {
            Files.writeString(zip.getPath("/added"), "added");
            show(Files.readString(zip.getPath("/res/data.txt")));
        }
        try (ZipFile z = new ZipFile(jar.toFile())) { show(z.size()); }
        Files.delete(jar);
        try (ObjectOutputStream o = new ObjectOutputStream(new GZIPOutputStream(new FileOutputStream(root.resolve("o.gz").toFile())))) { o.writeObject(List.of(1, "two")); }
        try (ObjectInputStream i = new ObjectInputStream(new GZIPInputStream(new FileInputStream(root.resolve("o.gz").toFile())))) { show(i.readObject()); }
        Files.delete(root.resolve("o.gz"));
        Properties p = new Properties();
        p.setProperty("k", "v");
        try (Writer w = Files.newBufferedWriter(root.resolve("p.properties"))) { p.store(w, null); }
        p.clear();
        try (Reader r = Files.newBufferedReader(root.resolve("p.properties"))) { p.load(r); }
        show(p);
        Files.delete(root.resolve("p.properties"));
    }

    static void crowds() throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(32);
        List<Future<Integer>> sums = new ArrayList<>();
        FileChannel shared = FileChannel.open(root.resolve("noise.bin"));
        for (int i = 0; i < 400; i++) {
            final int n = i;
            sums.add(pool.submit(() -> {
                Path p = root.resolve("t" + n);
                Files.writeString(p, "x".repeat(n));
                int size = Files.readString(p).length();
                Files.delete(p);
                return size + shared.read(ByteBuffer.allocate(100), n * 100L);
            }));
        }
        int sum = 0;
        for (Future<Integer> f : sums) { sum += f.get(); }
        pool.shutdown();
        shared.close();
        show(sum);
        Process child = new ProcessBuilder("cat", "deep.txt").directory(root.resolve("dir/sub").toFile()).redirectOutput(root.resolve("out").toFile()).start();
        show(child.waitFor(), Files.readString(root.resolve("out")));
        child = new ProcessBuilder("sh", "-c", "pwd; cat; echo e >&2").directory(root.toFile()).redirectInput(root.resolve("table.csv").toFile()).redirectErrorStream(true).start();
        show(new String(child.getInputStream().readAllBytes()), child.waitFor());
        show(error(() -> new ProcessBuilder("cat").directory(root.resolve("none").toFile()).start()).toString().contains("No such file"));
    }

    public static void main(String[] arguments) throws Exception {
        files(); walking(); channels(); archives(); crowds();
    }
}
