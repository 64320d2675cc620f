package io.github.jbatchnorm.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.io.Stored;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** A layer in two places of a model is one set of parameters, statistics and counts. */
class TiedLayersTest {
  private static Sequential tied(Layer layer) {
    return Sequential.builder()
        .add("a", layer)
        .add("b", Sequential.builder().add("again", layer).build())
        .build();
  }

  @Test
  void parametersAreNamedOnceByTheirFirstName() {
    Sequential model = tied(new Dense(1, 1, new SplittableRandom(1)));
    assertThat(model.parameters()).containsOnlyKeys("a.weight", "a.bias");
  }

  @Test
  void everyOptimizerStepsAsForALayerInOnePlace() {
    List<Function<Map<String, Tensor>, Optimizer>> optimizers =
        List.of(
            parameters -> new Sgd(parameters, 0.1, 0.9),
            parameters -> new Adam(parameters, 0.1),
            parameters -> Adam.decoupled(parameters, 0.1, WeightDecay.ofAll(0.1)),
            parameters -> new RmsProp(parameters, 0.1, 0.5, WeightDecay.NONE));
    for (Function<Map<String, Tensor>, Optimizer> optimizer : optimizers) {
      Dense once = new Dense(1, 1, new SplittableRandom(1));
      Dense twice = new Dense(1, 1, new SplittableRandom(1));
      Optimizer one = optimizer.apply(once.parameters());
      Optimizer two = optimizer.apply(tied(twice).parameters());
      Map<String, Tensor> bothNames = new LinkedHashMap<>();
      bothNames.put("a", twice.weight());
      bothNames.put("b", twice.weight());
      for (int step = 0; step < 3; step++) {
        once.weight().multiply(2).backward();
        one.step();
        twice.weight().multiply(2).backward();
        two.step();
      }
      assertThat(twice.weight().item()).isEqualTo(once.weight().item());
      assertThat(StateFile.save(optimizer.apply(bothNames)::visit).keySet())
          .noneMatch(name -> name.startsWith("b."));
    }
  }

  @Test
  void stateIsSavedOnceAndLoadedByAnyOfItsNames() {
    Sequential model = tied(new BatchNorm(2, 1e-5));
    model.forward(Tensor.of(new float[] {1, 10, 3, 30}, 2, 2), Mode.TRAINING);
    Map<String, Stored> saved = StateFile.save(model::visit);
    assertThat(saved.keySet())
        .containsExactly(
            "a.weight", "a.bias", "a.running_mean", "a.running_var", "a.num_batches_tracked");
    assertThat(saved.get("a.num_batches_tracked")).isEqualTo(Stored.count(2));
    Map<String, Stored> second = new HashMap<>();
    saved.forEach((name, stored) -> second.put(name.replace("a.", "b.again."), stored));
    for (Map<String, Stored> names : List.of(saved, second)) {
      Sequential other = tied(new BatchNorm(2, 1e-5));
      StateFile.load(names, other::visit);
      assertThat(StateFile.save(other::visit)).isEqualTo(saved);
    }
    second.putAll(saved);
    StateFile.load(second, model::visit);
    second.put("a.bias", StoredTensors.of(Tensor.of(new float[] {7, 7})));
    assertThatThrownBy(() -> StateFile.load(second, model::visit))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a.bias, b.again.bias: are one tensor here, and differ in what was saved");
  }

  @Test
  void twoTensorsOfOneNameAreRefused() {
    SplittableRandom random = new SplittableRandom(1);
    Sequential model =
        Sequential.builder()
            .add("a.b", new Dense(1, 1, random))
            .add("a", Sequential.builder().add("b", new Dense(1, 1, random)).build())
            .build();
    assertThatThrownBy(() -> model.parameters())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("model: a.b.weight is the name of two tensors or counts");
  }

  @Test
  void aTiedBatchNormIsRecalibratedOnce() {
    BatchNorm norm = new BatchNorm(1, 1e-5);
    Tensor x = Tensors.normal(DType.F32, new SplittableRandom(1), 5, 3, 64, 1).asConstant();
    Serving.recalibrate(tied(norm), List.of(x));
    // It sees x and its own output, which has mean 0 and variance 1.
    double mean = x.mean().item();
    assertThat(norm.runningMean().item())
        .isCloseTo(mean / 2, org.assertj.core.api.Assertions.within(1e-4));
    assertThat(StateFile.save(norm::visit).get("num_batches_tracked")).isEqualTo(Stored.count(1));
  }
}
