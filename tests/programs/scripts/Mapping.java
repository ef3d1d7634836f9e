// FileChannel.map: stores, force(), what read() and another mapping see, growth of the file.
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

class Mapping {
    static String text(ByteBuffer buffer, int at, int bytes) {
        byte[] copy = new byte[bytes];
        for (int i = 0; i < bytes; i++) {
            copy[i] = buffer.get(at + i);
        }
        return new String(copy, StandardCharsets.US_ASCII);
    }

    public static void main(String[] arguments) throws Exception {
        Path path = Path.of(System.getenv("R"), "mapped");
        Files.writeString(path, "0123456789".repeat(1000));
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            FileChannel channel = file.getChannel();
            MappedByteBuffer map = channel.map(FileChannel.MapMode.READ_WRITE, 0, 20_000);
            System.out.println(channel.size());
            map.put("stored".getBytes());
            ByteBuffer seen = ByteBuffer.allocate(8);
            channel.read(seen, 0);
            System.out.println(text(seen, 0, 8));
            channel.write(ByteBuffer.wrap("written".getBytes()), 100);
            System.out.println(text(map, 98, 12));
            map.position(15_000);
            map.put("behind what was there".getBytes());
            map.force();
            map.force(15_000, 5);
            MappedByteBuffer second = channel.map(FileChannel.MapMode.READ_ONLY, 15_000, 30);
            System.out.println(text(second, 0, 21));
            MappedByteBuffer own = channel.map(FileChannel.MapMode.PRIVATE, 0, 10);
            own.put("private".getBytes());
            System.out.println(text(map, 0, 8) + " " + text(own, 0, 8));
        }
        byte[] left = Files.readAllBytes(path);
        System.out.println(left.length + " " + new String(left, 0, 12) + " " + new String(left, 15_000, 6));
    }
}
