package io.github.jbatchnorm.interop.pytorch;

import io.github.jbatchnorm.interop.pytorch.TensorRecord.StorageRecord;
import io.github.jbatchnorm.nn.io.FileFormatException;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The format from before PyTorch 1.6: five pickles one after the other (a number that tells the
 * format, its version, the machine, the object, the names of its storages), then the storages in
 * that order, each with the number of its elements before them.
 */
final class LegacyFile implements Archive {
  private static final BigInteger FORMAT = new BigInteger("1950a86a20f9469cfc6c", 16);
  private static final Long VERSION = 1001L;
  private static final long MOST_PICKLES = 1L << 28;

  private final Path file;
  private final FileChannel channel;
  private final Map<String, StorageRecord> named = new HashMap<>();
  private final Map<String, Long> places = new HashMap<>();
  private final Map<String, ByteBuffer> storages = new HashMap<>();

  LegacyFile(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  @Override
  public FileFormatException problem(String problem) {
    return new FileFormatException(file, problem);
  }

  @Override
  public Object root() throws IOException {
    long size = Math.min(channel.size(), MOST_PICKLES);
    ByteBuffer in = channel.map(FileChannel.MapMode.READ_ONLY, 0, size);
    if (!FORMAT.equals(new Unpickler(this, in).read())) {
      throw problem("is no file of PyTorch: it begins with a pickle of something else");
    }
    if (!VERSION.equals(new Unpickler(this, in).read())) {
      throw problem("is of another version of PyTorch's old format than %s".formatted(VERSION));
    }
    Object machine = new Unpickler(this, in).read();
    if (!(machine instanceof Map<?, ?> told) || !Boolean.TRUE.equals(told.get("little_endian"))) {
      throw problem("has big-endian numbers, which are not read");
    }
    Object root = new Unpickler(this, in).read();
    findStorages(new Unpickler(this, in).read(), in.position());
    return root;
  }

  @Override
  public void named(StorageRecord storage) throws FileFormatException {
    StorageRecord before = named.putIfAbsent(storage.key(), storage);
    if (before != null && !before.equals(storage)) {
      throw problem("storage %s: is named with two types or lengths".formatted(storage.key()));
    }
  }

  private void findStorages(Object keys, long from) throws IOException {
    if (!(keys instanceof List<?> all)) {
      throw problem("has no list of storages");
    }
    long at = from;
    for (Object key : all) {
      StorageRecord storage = key instanceof String text ? named.get(text) : null;
      if (storage == null) {
        throw problem("has a storage that no tensor is of");
      }
      long count = read(storage.key(), at, Long.BYTES).getLong();
      if (count != storage.length()) {
        throw problem(
            "storage %s: expected %s elements, got %s"
                .formatted(storage.key(), storage.length(), count));
      }
      at += Long.BYTES;
      int width = storage.type().bytes();
      if (count > (channel.size() - at) / width) {
        throw problem("storage %s: is cut short".formatted(storage.key()));
      }
      if (places.put(storage.key(), at) != null) {
        throw problem("has storage %s twice".formatted(storage.key()));
      }
      at += count * width;
    }
  }

  @Override
  public ByteBuffer storage(String key, long size) throws IOException {
    Long place = places.get(key);
    if (place == null) {
      throw problem("has no storage " + key);
    }
    ByteBuffer known = storages.get(key);
    if (known == null) {
      known = read(key, place, Math.toIntExact(size));
      storages.put(key, known);
    }
    return known.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  private ByteBuffer read(String key, long from, int size) throws IOException {
    if (size > channel.size() - from) {
      throw problem("storage %s: is cut short".formatted(key));
    }
    ByteBuffer bytes = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      if (channel.read(bytes, from + bytes.position()) < 0) {
        throw problem("became shorter while it was read");
      }
    }
    return bytes.flip();
  }
}
