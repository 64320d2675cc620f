package io.github.jbatchnorm.interop.pytorch;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Writes files as torch.save does: pickle of protocol 2, records that are stored, one folder; or
 * before version 1.6, pickles and storages one after the other.
 */
final class TorchFile {
  private final ByteArrayOutputStream pickle = new ByteArrayOutputStream();
  private final Map<String, byte[]> records = new LinkedHashMap<>();
  private int memo;
  private final Map<String, Long> lengths = new TreeMap<>();
  private int method = ZipEntry.STORED;
  private boolean legacy;
  private boolean littleEndian = true;

  TorchFile() {
    code(0x80, 2);
  }

  TorchFile code(int... bytes) {
    for (int each : bytes) {
      pickle.write(each);
    }
    return this;
  }

  TorchFile text(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return code('X').four(bytes.length).raw(bytes).memoize();
  }

  TorchFile raw(byte... bytes) {
    pickle.writeBytes(bytes);
    return this;
  }

  private TorchFile four(int value) {
    return raw(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
  }

  private TorchFile memoize() {
    int index = memo++;
    return index < 256 ? code('q', index) : code('r').four(index);
  }

  TorchFile global(String module, String name) {
    return code('c').raw((module + "\n" + name + "\n").getBytes(StandardCharsets.UTF_8)).memoize();
  }

  TorchFile integer(long value) {
    if (value >= 0 && value < 256) {
      return code('K', (int) value);
    }
    if (value == (int) value) {
      return code('J').four((int) value);
    }
    byte[] bytes = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
    return code(0x8a, 8).raw(bytes);
  }

  TorchFile integers(long... values) {
    code('(');
    for (long value : values) {
      integer(value);
    }
    return code('t').memoize();
  }

  /** Begins an OrderedDict, as state_dict() returns one; its pairs go between two marks. */
  TorchFile beginDict() {
    return global("collections", "OrderedDict").code(')', 'R').memoize().code('(');
  }

  /** Ends it, with the versions of layers that state_dict() adds. */
  TorchFile endDict() {
    code('u', '}').memoize().text("_metadata").code('}').memoize();
    return code('s', 'b');
  }

  /** In the format from before 1.6, from here on. */
  TorchFile legacy() {
    legacy = true;
    return this;
  }

  TorchFile bigEndian() {
    littleEndian = false;
    return this;
  }

  TorchFile storage(String type, String key, long length) {
    lengths.put(key, length);
    code('(').text("storage").global("torch", type).text(key).text("cpu").integer(length);
    if (legacy) {
      code('N');
    }
    return code('t').memoize().code('Q');
  }

  TorchFile tensor(
      String type, String key, long length, long offset, long[] shape, long... strides) {
    global("torch._utils", "_rebuild_tensor_v2").code('(').storage(type, key, length);
    integer(offset).integers(shape).integers(strides).code(0x89);
    global("collections", "OrderedDict").code(')', 'R').memoize();
    return code('t').memoize().code('R').memoize();
  }

  TorchFile record(String key, byte... bytes) {
    records.put("data/" + key, bytes);
    return this;
  }

  TorchFile floats(String key, float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return record(key, bytes.array());
  }

  TorchFile other(String name, String contents) {
    records.put(name, contents.getBytes(StandardCharsets.UTF_8));
    return this;
  }

  TorchFile deflated() {
    method = ZipEntry.DEFLATED;
    return this;
  }

  byte[] bytes() {
    code('.');
    return legacy ? legacyBytes() : zipBytes();
  }

  /** Five pickles, the fourth of them the object, then numbers of elements and elements. */
  private byte[] legacyBytes() {
    TorchFile format = new TorchFile();
    format.code(0x8a, 10).code(0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19);
    format.code('.', 0x80, 2, 'M', 0xe9, 3, '.', 0x80, 2);
    format.code('}').memoize().code('(').text("protocol_version").code('M', 0xe9, 3);
    format.text("little_endian").code(littleEndian ? 0x88 : 0x89).code('u', '.');
    TorchFile keys = new TorchFile().code(']').memoize().code('(');
    lengths.keySet().forEach(keys::text);
    keys.code('e', '.');
    format.raw(pickle.toByteArray()).raw(keys.pickle.toByteArray());
    lengths.forEach(
        (key, length) -> {
          format.raw(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array());
          format.raw(records.getOrDefault("data/" + key, new byte[0]));
        });
    return format.pickle.toByteArray();
  }

  private byte[] zipBytes() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      put(zip, "data.pkl", pickle.toByteArray());
      for (Map.Entry<String, byte[]> record : records.entrySet()) {
        put(zip, record.getKey(), record.getValue());
      }
      put(zip, "version", "3\n".getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  Path write(Path file) {
    try {
      return Files.write(file, bytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void put(ZipOutputStream zip, String name, byte... bytes) throws IOException {
    ZipEntry entry = new ZipEntry("model/" + name);
    CRC32 crc = new CRC32();
    crc.update(bytes);
    entry.setMethod(method);
    entry.setSize(bytes.length);
    entry.setCrc(crc.getValue());
    zip.putNextEntry(entry);
    zip.write(bytes);
    zip.closeEntry();
  }
}
