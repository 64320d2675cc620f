package io.github.jbatchnorm.interop.onnx;

import com.google.protobuf.CodedOutputStream;
import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.MemoryScope;
import io.github.jbatchnorm.nn.Layer;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.platform.AtomicFile;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A model on its way to an ONNX file of opset 17: what its evaluation does to samples, of which
 * there may be any number. The model is evaluated on random numbers, and what the tape has recorded
 * is written, so that layers of a user's own, functions in a {@link
 * io.github.jbatchnorm.nn.Sequential} and residual connections come out as they compute. Values are
 * named by the layers, tensors as {@link io.github.jbatchnorm.nn.StateFile} names them.
 *
 * <p>At last the file's own graph is evaluated beside the model: a model that decides by what its
 * input is, or by something that no tape shows, is refused.
 */
public final class OnnxExport {
  private static final long OPSET = 17;
  private static final double MOST_DIFFERENCE = 1e-4;
  private static final String OUTPUT = "output";

  private final Layer model;
  private final ExportInput input;
  private final boolean training;
  private final boolean external;

  private OnnxExport(Layer model, ExportInput input, boolean training, boolean external) {
    this.model = model;
    this.input = input;
    this.training = training;
    this.external = external;
  }

  static OnnxExport of(Layer model, int... sample) {
    return new OnnxExport(model, ExportInput.of(sample), false, false);
  }

  /**
   * {@return the export of what training's forward computes: batch norms take the batch's
   * statistics and give the running ones that follow as further outputs, named {@code
   * LAYER.running_mean.next} and {@code LAYER.running_var.next}; dropout drops} By ONNX's rule the
   * running variance is of biased variances, whatever the layer's own is ({@link
   * io.github.jbatchnorm.nn.BatchNorm.Builder#biasedRunningVariance}).
   */
  public OnnxExport training() {
    return new OnnxExport(model, input, true, external);
  }

  /**
   * {@return the export of what a model of another dtype computes; f32 otherwise}
   *
   * @param newDtype of the input
   */
  public OnnxExport dtype(DType newDtype) {
    Objects.requireNonNull(newDtype, "dtype");
    return new OnnxExport(model, input.dtype(newDtype), training, external);
  }

  /**
   * {@return the export of a model that takes numbers of rows, as an {@link
   * io.github.jbatchnorm.nn.Embedding} does: integers of 64 bits in the file}
   *
   * @param below how many rows there are
   * @throws IllegalArgumentException if there are none
   */
  public OnnxExport indices(int below) {
    if (below < 1) {
      throw new IllegalArgumentException("below: expected 1 or more, got " + below);
    }
    return new OnnxExport(model, input.indices(below), training, external);
  }

  /**
   * {@return the export with tensors of a kilobyte or more in a file beside the model, which
   * readers can map: of the model's name with {@code .data} at its end} A model past 2 GiB, the
   * limit of ONNX files, is written so in any case.
   */
  public OnnxExport externalData() {
    return new OnnxExport(model, input, training, true);
  }

  /**
   * Writes the file. It replaces an older one at once and as a whole, or not at all; of {@link
   * #externalData} first the tensors, then the model.
   *
   * @param file the file
   * @throws IllegalArgumentException if the model does something that ONNX, or this export, has no
   *     operator for; the message names the layer
   * @throws IOException if it cannot be written
   */
  public void write(Path file) throws IOException {
    Objects.requireNonNull(file, "file");
    Path name = file.getFileName();
    if (name == null || Files.isDirectory(file)) {
      throw new FileSystemException(file.toString(), null, "is a folder");
    }
    OnnxFile graph = checked();
    if (external || ModelWriter.isPastLimit(graph)) {
      Path data = file.resolveSibling(name + ".data");
      ExternalTensors tensors = new ExternalTensors(name + ".data");
      Message message = ModelWriter.model(graph, tensors);
      AtomicFile.write(data, tensors::write);
      write(file, message);
    } else {
      write(file, ModelWriter.model(graph));
    }
  }

  private static void write(Path file, Message message) throws IOException {
    AtomicFile.write(
        file,
        channel -> {
          OutputStream stream = Channels.newOutputStream(channel);
          CodedOutputStream out = CodedOutputStream.newInstance(stream);
          message.write(out);
          out.flush();
        });
  }

  /**
   * {@return the file's bytes}
   *
   * @throws IllegalArgumentException as {@link #write}, or if they are past 2 GiB
   * @throws IllegalStateException of {@link #externalData}, which needs a file to be beside
   */
  public byte[] toBytes() {
    if (external) {
      throw new IllegalStateException("externalData: goes with write alone");
    }
    return bytes(ModelWriter.model(checked()));
  }

  static byte[] bytes(Message message) {
    byte[] bytes = new byte[Math.toIntExact(message.size())];
    CodedOutputStream out = CodedOutputStream.newInstance(bytes);
    try {
      message.write(out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes;
  }

  private OnnxFile checked() {
    OnnxFile[] file = new OnnxFile[1];
    MemoryScope.run(
        () -> {
          file[0] = graph();
          compare(file[0]);
        });
    return file[0];
  }

  private OnnxFile graph() {
    Trace trace = new Trace(model, input.random(1, Trace.SAMPLES));
    Trace other = new Trace(model, input.random(2, Trace.SAMPLES + 1));
    ExportContext context = new ExportContext(model, trace, other, training);
    ExportPatterns patterns = new ExportPatterns(context, trace.steps());
    ExportOperators operators = new ExportOperators(context);
    List<Long> shape = context.shape(trace.y(), other.y());
    GraphBuilder graph = context.graph();
    String output = graph.unique(OUTPUT);
    graph.output(output, trace.y().dtype(), shape);
    for (Trace.Step step : trace.steps()) {
      if (!patterns.write(step)) {
        operators.write(step);
      }
    }
    graph.add(output, "Identity", List.of(context.value(trace.y())), List.of(output), Map.of());
    return graph.file(OPSET, Map.of(), input.value());
  }

  /** Evaluates what is written beside the model. */
  private void compare(OnnxFile file) {
    Tensor x = input.random(3, Trace.SAMPLES + 2).asConstant();
    Tensor expected = NoAutodiff.call(() -> model.forward(x, Mode.EVALUATION));
    Tensor found;
    try {
      OnnxNetwork network = OnnxNetwork.of("the exported graph", file);
      found = NoAutodiff.call(() -> network.forward(x, Mode.EVALUATION));
    } catch (FileFormatException e) {
      throw new IllegalStateException(e);
    }
    double most = 0;
    double difference = 0;
    for (int i = 0; i < expected.size(); i++) {
      double value = expected.storage().get(i);
      double other = found.storage().get(i);
      most = Math.max(most, Math.abs(value));
      difference =
          Math.max(difference, Double.compare(value, other) == 0 ? 0 : Math.abs(value - other));
    }
    if (!(difference <= MOST_DIFFERENCE * most)) {
      throw new IllegalArgumentException(
          "model: its graph computes other than it does (by %s of %s): it does something that the tape does not show"
              .formatted(difference, most));
    }
  }
}
