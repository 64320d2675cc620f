package io.github.jbatchnorm.interop.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.nn.BatchNorm;
import io.github.jbatchnorm.nn.Dropout;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.Sequential;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Batch norm with the batch's statistics beside ONNX Runtime's, running statistics included. */
class OnnxTrainingTest {
  private static Sequential alone(BatchNorm.Builder norm) {
    return Models.trained(Sequential.builder().add("bn", norm.build()).build());
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.1, 0.25, 1})
  void batchNormsOutputsAndRunningStatistics(double weight) throws Exception {
    Sequential model =
        alone(
            BatchNorm.builder(6)
                .newValueWeight(weight)
                .biasedRunningVariance()
                .options(BatchNormOptions.DEFAULT.withRelu()));
    Tensor x = Models.random(31, 8, 6, 4, 5);
    byte[] file = Onnx.export(model, 6, 4, 5).training().toBytes();
    Map<String, Tensor> outputs = OnnxRuntime.run(file, x);
    Tensor y = model.forward(x, Mode.TRAINING);
    BatchNorm norm = (BatchNorm) model.children().get("bn");
    assertThat(outputs).containsOnlyKeys("output", "bn.running_mean.next", "bn.running_var.next");
    OnnxRuntime.assertClose(outputs.get("output"), y);
    OnnxRuntime.assertClose(outputs.get("bn.running_mean.next"), norm.runningMean());
    OnnxRuntime.assertClose(outputs.get("bn.running_var.next"), norm.runningVar());
  }

  @Test
  void channelsLastInTraining() throws Exception {
    Sequential model =
        alone(
            BatchNorm.builder(5)
                .biasedRunningVariance()
                .options(BatchNormOptions.DEFAULT.withLayout(Layout.NHWC)));
    Tensor x = Models.random(32, 8, 6, 4, 5);
    Map<String, Tensor> outputs =
        OnnxRuntime.run(Onnx.export(model, 6, 4, 5).training().toBytes(), x);
    OnnxRuntime.assertClose(outputs.get("output"), model.forward(x, Mode.TRAINING));
    BatchNorm norm = (BatchNorm) model.children().get("bn");
    OnnxRuntime.assertClose(outputs.get("bn.running_var.next"), norm.runningVar());
  }

  @Test
  void wholeNetworkInTraining() throws Exception {
    Sequential model = Models.residual();
    Tensor x = Models.random(33, 4, 3, 32, 32);
    byte[] file = Onnx.export(model, 3, 32, 32).training().toBytes();
    Map<String, Tensor> outputs = OnnxRuntime.run(file, x);
    assertThat(outputs).hasSize(1 + 2 * 7).containsKey("layer2.0.bn1.running_var.next");
    OnnxNetwork network = Onnx.read(file);
    OnnxRuntime.assertClose(network.forward(x, Mode.TRAINING), model.forward(x, Mode.TRAINING));
    OnnxRuntime.assertClose(outputs.get("output"), model.forward(x, Mode.TRAINING));
    OnnxRuntime.assertClose(
        outputs.get("layer3.0.bn2.running_mean.next"),
        ((BatchNorm) network.children().get("layer3.0.bn2")).runningMean());
  }

  /** What ONNX Runtime drops is its own matter: a share of the elements, and the others grow. */
  @Test
  void dropoutDrops() throws Exception {
    Sequential model =
        Sequential.builder().add("relu", Tensor::relu).add("drop", new Dropout(0.25, 1)).build();
    Tensor x = Models.random(34, 100, 100).abs().add(1).asConstant();
    byte[] file = Onnx.export(model, 100).training().toBytes();
    Tensor y = OnnxRuntime.run(file, x, OptLevel.NO_OPT).get("output");
    int dropped = 0;
    for (int i = 0; i < y.size(); i++) {
      boolean isZero = y.storage().get(i) == 0;
      dropped += isZero ? 1 : 0;
      assertThat(isZero ? 0 : y.storage().get(i))
          .isEqualTo(isZero ? 0 : (double) (float) (x.storage().get(i) / 0.75), within(1e-6));
    }
    assertThat(dropped).isBetween(2200, 2800);
    Tensor evaluated = Onnx.read(file).forward(x, Mode.EVALUATION);
    assertThat(evaluated.toFloatArray()).isEqualTo(x.toFloatArray());
  }

  @Test
  void whatTrainsOtherwiseIsRefusedByName() {
    for (BatchNorm.Builder norm :
        new BatchNorm.Builder[] {
          BatchNorm.builder(6).cumulative(),
          BatchNorm.builder(6).groups(2),
          BatchNorm.builder(6).renormalization(3, 5)
        }) {
      Sequential model = alone(norm);
      assertThatThrownBy(() -> Onnx.export(model, 6, 4).training().toBytes())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "model: bn cannot be exported: its running statistics move otherwise than by a weight"
                  + " of the new value");
    }
    Sequential twice =
        Sequential.builder()
            .add("drop", new Dropout(0.5, 1))
            .add("f", x -> x.add(x.relu()))
            .build();
    assertThatThrownBy(() -> Onnx.export(twice, 6).training().toBytes())
        .hasMessageContaining("goes elsewhere too");
  }
}
