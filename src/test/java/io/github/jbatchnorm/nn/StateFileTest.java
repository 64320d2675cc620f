package io.github.jbatchnorm.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.StateFile.Allowed;
import io.github.jbatchnorm.nn.io.Stored;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What may differ between a file and a model, and what then happens. */
class StateFileTest {
  private static BatchNorm trained(DType dtype) {
    BatchNorm layer = BatchNorm.builder(3).dtype(dtype).build();
    layer.forward(Tensors.normal(dtype, new SplittableRandom(1), 5, 3, 8, 3), Mode.TRAINING);
    return layer;
  }

  @Test
  void namesMayDifferOnRequestAndAreReported() {
    Map<String, Stored> saved = StateFile.save(trained(DType.F32)::visit);
    Stored mean = saved.remove("running_mean");
    saved.remove("bias");
    saved.put("other", mean);
    saved.put("another", mean);
    BatchNorm layer = new BatchNorm(3, 1e-5);
    assertThatThrownBy(() -> StateFile.load(saved, layer::visit, Allowed.DTYPES))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("bias: is missing");
    assertThat(layer.runningVar().toDoubleArray()).containsOnly(1);
    StateFile.Differences differences = StateFile.load(saved, layer::visit, Allowed.NAMES);
    assertThat(differences.missing()).containsExactly("bias", "running_mean");
    assertThat(differences.unexpected()).containsExactly("another", "other");
    assertThat(layer.runningMean().toDoubleArray()).containsOnly(0);
    assertThat(layer.runningVar().toDoubleArray())
        .isEqualTo(trained(DType.F32).runningVar().toDoubleArray());
  }

  @Test
  void shapesNeverMayDifferAndThenNothingChanges() {
    BatchNorm layer = new BatchNorm(3, 1e-5);
    Map<String, Stored> saved = StateFile.save(trained(DType.F32)::visit);
    saved.put("running_var", StoredTensors.of(Tensors.ones(DType.F32, 1, 3)));
    assertThatThrownBy(() -> StateFile.load(saved, layer::visit, Allowed.values()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("running_var: expected F32 of shape [3], got F32(1, 3)");
    assertThat(layer.runningMean().toDoubleArray()).containsOnly(0);
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void floatingPointNumbersAreRoundedOnRequest(DType from) {
    for (DType to : new DType[] {DType.F32, DType.F64}) {
      Map<String, Stored> saved = new HashMap<>();
      BatchNorm source = trained(DType.F64);
      Map<String, Tensor> tensors = new HashMap<>();
      tensors.put("weight", source.gamma());
      tensors.put("bias", source.beta());
      tensors.put("running_mean", source.runningMean());
      tensors.put("running_var", source.runningVar());
      tensors.forEach((name, tensor) -> saved.put(name, StoredTensors.of(tensor.astype(from))));
      saved.put("num_batches_tracked", i32(7));
      BatchNorm layer = BatchNorm.builder(3).dtype(to).build();
      assertThatThrownBy(() -> StateFile.load(saved, layer::visit, Allowed.NAMES))
          .isInstanceOf(IllegalArgumentException.class);
      StateFile.Differences none = StateFile.load(saved, layer::visit, Allowed.DTYPES);
      assertThat(none).isEqualTo(new StateFile.Differences(List.of(), List.of()));
      assertThat(layer.runningMean().toDoubleArray())
          .isEqualTo(source.runningMean().astype(from).astype(to).toDoubleArray());
      assertThat(StateFile.save(layer::visit).get("num_batches_tracked"))
          .isEqualTo(Stored.count(7));
    }
  }

  private static Stored i32(int value) {
    ByteBuffer bytes = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
    return new Stored(Stored.Type.I32, new int[0], bytes.putInt(value).flip());
  }

  @Test
  void aNegativeCountIsRefused() {
    BatchNorm layer = BatchNorm.builder(1).cumulative().build();
    Map<String, Stored> saved = StateFile.save(layer::visit);
    saved.put("num_batches_tracked", Stored.count(-1));
    assertThatThrownBy(() -> StateFile.load(saved, layer::visit))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("num_batches_tracked: expected a count from 0 to 2^63-1, got -1.0");
    saved.put(
        "num_batches_tracked",
        new Stored(Stored.Type.U64, new int[0], Stored.count(Long.MIN_VALUE).bytes()));
    assertThatThrownBy(() -> StateFile.load(saved, layer::visit, Allowed.DTYPES))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "num_batches_tracked: expected a count from 0 to 2^63-1, got 9.223372036854776E18");
  }

  @Test
  void integersAreNoParametersAndFloatsNoCounts() {
    BatchNorm layer = new BatchNorm(1, 1e-5);
    Map<String, Stored> saved = StateFile.save(layer::visit);
    saved.put("num_batches_tracked", StoredTensors.of(Tensor.scalar(3)));
    assertThatThrownBy(() -> StateFile.load(saved, layer::visit, Allowed.values()))
        .hasMessage("num_batches_tracked: expected I64 of shape [], got F64()");
    saved.put("num_batches_tracked", Stored.count(1));
    saved.put("weight", new Stored(Stored.Type.I32, new int[] {1}, i32(1).bytes()));
    assertThatThrownBy(() -> StateFile.load(saved, layer::visit, Allowed.values()))
        .hasMessage("weight: expected F32 of shape [1], got I32(1)");
  }
}
