package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.nn.io.Stored;
import io.github.jbatchnorm.platform.AtomicFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.LinkedHashMap;
import java.util.Map;

/** The tensors that go to a file beside the model; each at the begin of a page, to be mapped. */
final class ExternalTensors {
  private static final int LEAST = 1024; // bytes: a smaller tensor stays in the model
  private static final int PAGE = 4096;

  private final String location;
  private final Map<Long, Stored> tensors = new LinkedHashMap<>();
  private long size;

  /**
   * No tensors yet.
   *
   * @param location the file's name
   */
  ExternalTensors(String location) {
    this.location = location;
  }

  static boolean takes(Stored tensor) {
    return tensor.bytes().remaining() >= LEAST;
  }

  /** Adds a tensor; returns what the model says of where it is, by name. */
  Map<String, String> add(Stored tensor) {
    long offset = (size + PAGE - 1) / PAGE * PAGE;
    int length = tensor.bytes().remaining();
    tensors.put(offset, tensor);
    size = offset + length;
    Map<String, String> told = new LinkedHashMap<>();
    told.put(ExternalFiles.LOCATION, location);
    told.put(ExternalFiles.OFFSET, Long.toString(offset));
    told.put(ExternalFiles.LENGTH, Long.toString(length));
    return told;
  }

  void write(FileChannel channel) throws IOException {
    for (Map.Entry<Long, Stored> entry : tensors.entrySet()) {
      int gap = (int) (entry.getKey() - channel.position());
      AtomicFile.writeAll(channel, ByteBuffer.allocate(gap));
      AtomicFile.writeAll(channel, entry.getValue().bytes());
    }
  }
}
