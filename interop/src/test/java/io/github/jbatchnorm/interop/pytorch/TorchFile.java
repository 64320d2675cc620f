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
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Writes files as torch.save does: pickle of protocol 2, records that are stored, one folder. */
final class TorchFile {
  private final ByteArrayOutputStream pickle = new ByteArrayOutputStream();
  private final Map<String, byte[]> records = new LinkedHashMap<>();
  private int memo;
  private int method = ZipEntry.STORED;

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

  TorchFile storage(String type, String key, long length) {
    code('(').text("storage").global("torch", type).text(key).text("cpu").integer(length);
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
