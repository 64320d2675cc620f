package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.nn.Layer;
import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.platform.Reading;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/** Models to ONNX files and back: {@code Onnx.export(model, 3, 32, 32).write(file)}. */
public final class Onnx {
  private Onnx() {}

  /**
   * {@return the export of a model, which {@link OnnxExport#write} does}
   *
   * @param model which is evaluated, and stays as it is
   * @param sample the shape of one sample of its input, without the axis of samples
   */
  public static OnnxExport export(Layer model, int... sample) {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(sample, "sample");
    return OnnxExport.of(model, sample);
  }

  /**
   * {@return the model of a file} Its tensors may be in other files ("external data"), of any size,
   * in the same folder or deeper; what leads out of it is refused.
   *
   * @param file of at most 2 GiB, the format's limit
   * @throws FileFormatException if it is broken, or has an operator, attribute or version that is
   *     not read; the message names the node and the attribute, or the tensor
   * @throws IOException if it cannot be read
   */
  public static OnnxNetwork read(Path file) throws IOException {
    Objects.requireNonNull(file, "file");
    if (Files.isDirectory(file)) {
      throw new FileFormatException(file, "is a folder");
    }
    Path folder = file.toAbsolutePath().getParent();
    return Reading.of(
        file, () -> OnnxNetwork.of(file, ModelReader.read(file, bytes(file), folder)));
  }

  private static byte[] bytes(Path file) throws IOException {
    long size = Files.size(file);
    if (size > Integer.MAX_VALUE - Long.BYTES) {
      throw new FileFormatException(
          file, "is %s bytes long: expected at most 2 GiB".formatted(size));
    }
    return Files.readAllBytes(file);
  }

  /**
   * {@return the model of a file's bytes}
   *
   * @param bytes the whole file, with all tensors in it
   * @throws FileFormatException as {@link #read(Path)}
   * @throws IOException if there is not enough memory for what the bytes say
   */
  public static OnnxNetwork read(byte[] bytes) throws IOException {
    Objects.requireNonNull(bytes, "bytes");
    byte[] copy = bytes.clone();
    return Reading.inMemory(
        "bytes", () -> OnnxNetwork.of("bytes", ModelReader.read("bytes", copy, null)));
  }
}
