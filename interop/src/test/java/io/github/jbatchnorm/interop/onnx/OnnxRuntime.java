package io.github.jbatchnorm.interop.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import io.github.jbatchnorm.autograd.Tensor;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** What ONNX Runtime computes of a file. */
final class OnnxRuntime {
  private OnnxRuntime() {}

  /** Returns all outputs by name. */
  static Map<String, Tensor> run(byte[] file, Tensor x) throws OrtException {
    return run(file, x, OrtSession.SessionOptions.OptLevel.ALL_OPT);
  }

  /** Returns what is computed of numbers of rows. */
  static Tensor runIndices(byte[] file, Tensor indices) throws OrtException {
    OrtEnvironment environment =
        OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
    long[] numbers = Arrays.stream(indices.toDoubleArray()).mapToLong(n -> (long) n).toArray();
    long[] shape = Arrays.stream(indices.shape()).asLongStream().toArray();
    try (OrtSession session = environment.createSession(file);
        OnnxTensor input = OnnxTensor.createTensor(environment, LongBuffer.wrap(numbers), shape);
        OrtSession.Result result =
            session.run(Map.of(session.getInputNames().iterator().next(), input))) {
      return tensor((OnnxTensor) result.get(0));
    }
  }

  private static Tensor tensor(OnnxTensor output) {
    int[] axes = Arrays.stream(output.getInfo().getShape()).mapToInt(Math::toIntExact).toArray();
    FloatBuffer values = output.getFloatBuffer();
    float[] all = new float[values.remaining()];
    values.get(all);
    return axes.length == 0 ? Tensor.of(all).reshape() : Tensor.of(all, axes);
  }

  /** Returns all outputs of a model with what is beside it. */
  static Map<String, Tensor> run(Path file, Tensor x) throws OrtException {
    return run(
        (environment, options) -> environment.createSession(file.toString(), options),
        x,
        OrtSession.SessionOptions.OptLevel.ALL_OPT);
  }

  /** Opens a model. */
  private interface Opened {
    OrtSession by(OrtEnvironment environment, OrtSession.SessionOptions options)
        throws OrtException;
  }

  /** As {@link #run(byte[], Tensor)}; all optimizations take dropout away. */
  static Map<String, Tensor> run(byte[] file, Tensor x, OrtSession.SessionOptions.OptLevel level)
      throws OrtException {
    return run((environment, options) -> environment.createSession(file, options), x, level);
  }

  private static Map<String, Tensor> run(
      Opened opened, Tensor x, OrtSession.SessionOptions.OptLevel level) throws OrtException {
    OrtEnvironment environment =
        OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
    FloatBuffer elements = FloatBuffer.wrap(x.toFloatArray());
    long[] shape = Arrays.stream(x.shape()).asLongStream().toArray();
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      options.setOptimizationLevel(level);
      try (OrtSession session = opened.by(environment, options);
          OnnxTensor input = OnnxTensor.createTensor(environment, elements, shape);
          OrtSession.Result result =
              session.run(Map.of(session.getInputNames().iterator().next(), input))) {
        for (Map.Entry<String, OnnxValue> entry : result) {
          outputs.put(entry.getKey(), tensor((OnnxTensor) entry.getValue()));
        }
      }
    }
    return outputs;
  }

  /** Checks that two tensors differ by at most 1e-6 of the largest element. */
  static void assertClose(Tensor found, Tensor expected) {
    assertThat(found.shape()).isEqualTo(expected.shape());
    double most = 0;
    double difference = 0;
    for (int i = 0; i < expected.size(); i++) {
      most = Math.max(most, Math.abs(expected.storage().get(i)));
      difference =
          Math.max(difference, Math.abs(found.storage().get(i) - expected.storage().get(i)));
    }
    assertThat(difference).isLessThanOrEqualTo(1e-6 * most);
  }
}
