package io.github.jbatchnorm.nn.io;

import io.github.jbatchnorm.nn.io.SafetensorsHeader.Claim;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A safetensors file that is open, of which the header has been read and checked.
 *
 * @param start where the data begin in the file
 */
record SafetensorsContents(Path file, FileChannel channel, SafetensorsHeader header, long start) {
  /** Takes what it needs of a file while it is open. */
  interface Reader<T> {
    T read(SafetensorsContents contents) throws IOException;
  }

  static <T> T open(Path file, Reader<T> reader) throws IOException {
    try (FileChannel channel = FileChannel.open(file)) {
      long size = channel.size();
      if (size < Long.BYTES) {
        throw new FileFormatException(file, "is %s bytes long: expected 8 or more".formatted(size));
      }
      long length = read(file, channel, 0, Long.BYTES).getLong();
      long rest = size - Long.BYTES;
      if (length < 2 || length > Math.min(rest, SafetensorsHeader.MOST)) {
        throw new FileFormatException(
            file,
            "says that its header is %s bytes long, of %s that follow and at most %s"
                .formatted(Long.toUnsignedString(length), rest, SafetensorsHeader.MOST));
      }
      byte[] text = read(file, channel, Long.BYTES, (int) length).array();
      SafetensorsHeader header = new SafetensorsHeader(file, rest - length).parse(text);
      return reader.read(new SafetensorsContents(file, channel, header, Long.BYTES + length));
    }
  }

  private static ByteBuffer read(Path file, FileChannel channel, long from, int size)
      throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      if (channel.read(bytes, from + bytes.position()) < 0) {
        throw new FileFormatException(file, "became shorter while it was read");
      }
    }
    return bytes.flip();
  }

  Stored read(Claim claim) throws IOException {
    return claim.stored(read(file, channel, start + claim.begin(), claim.bytes()));
  }

  /** Maps tensors that lie beside each other together, as far as one buffer goes. */
  Safetensors map() throws IOException {
    Map<String, Stored> tensors = new LinkedHashMap<>();
    List<Claim> claims = header.claims();
    int next = 0;
    while (next < claims.size()) {
      long begin = claims.get(next).begin();
      int end = next;
      while (end < claims.size() && claims.get(end).end() - begin <= Integer.MAX_VALUE) {
        end++;
      }
      long size = claims.get(end - 1).end() - begin;
      ByteBuffer mapped = channel.map(FileChannel.MapMode.READ_ONLY, start + begin, size);
      for (Claim claim : claims.subList(next, end)) {
        int from = (int) (claim.begin() - begin);
        tensors.put(claim.name(), claim.stored(mapped.slice(from, claim.bytes())));
      }
      next = end;
    }
    return new Safetensors(tensors, header.metadata());
  }
}
