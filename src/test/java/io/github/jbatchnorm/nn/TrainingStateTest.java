package io.github.jbatchnorm.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.data.Batch;
import io.github.jbatchnorm.nn.data.BatchSource;
import io.github.jbatchnorm.nn.data.DataLoader;
import io.github.jbatchnorm.nn.functional.Losses;
import io.github.jbatchnorm.nn.io.Stored;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Training that stops anywhere and goes on from a file ends in the bits of training in one go. */
class TrainingStateTest {
  private static final int EPOCHS = 3;
  private static final int BATCHES = 5;

  @TempDir Path folder;

  /** All that a training has, made anew as after the start of a program. */
  private static final class Training {
    final Tensor x = Tensors.normal(DType.F32, new SplittableRandom(1), 0, 1, 18, 4);
    final int[] labels = IntStream.range(0, 18).map(i -> i % 3).toArray();
    final Layer model;
    final Optimizer optimizer;
    final DType dtype;
    final LossScale scale = new LossScale(8, 2);
    final ReduceOnPlateau plateau = new ReduceOnPlateau(1, 0.5, 0, 0, 0.1);
    final Schedule schedule = Schedule.oneCycle(0.05, EPOCHS * BATCHES);
    final TrainingState state;

    Training(boolean adam, DType dtype) {
      SplittableRandom random = new SplittableRandom(2);
      this.dtype = dtype;
      model =
          Sequential.builder()
              .add("fc1", new Dense(4, 8, random))
              .add("norm", BatchNorm.builder(8).build())
              .add("drop", new Dropout(0.3, 3))
              .add("fc2", new Dense(8, 3, random))
              .build();
      optimizer = adam ? new Adam(model.parameters(), 0.1) : new Sgd(model.parameters(), 0.1, 0.9);
      state =
          new TrainingState(7)
              .with("model", model::visit)
              .with("optimizer", optimizer::visit)
              .with("scale", scale::visit)
              .with("plateau", plateau::visit);
    }

    /** Goes on until so many steps are done, or to the end. */
    void run(long steps) {
      for (; state.epoch() <= EPOCHS; state.epochDone()) {
        BatchSource all = BatchSource.shuffled(x, labels, 4, state.seed(), state.epoch());
        assertThat(all.count()).isEqualTo(BATCHES);
        try (DataLoader loader = new DataLoader(state.rest(all), 2, 2)) {
          while (loader.hasNext()) {
            if (state.step() == steps) {
              return;
            }
            step(loader.next());
          }
        }
      }
    }

    private void step(Batch batch) {
      optimizer.learningRate(schedule.rate(state.step()) * plateau.rate());
      Tensor scores = model.forward(batch.x().astype(dtype), Mode.TRAINING).astype(DType.F32);
      Tensor loss = Losses.softmaxCrossentropy(scores, batch.labels());
      loss.backward(scale.value());
      if (scale.unscale(model.parameters().values())) {
        optimizer.step();
      }
      plateau.after(loss.item());
      state.batchDone();
    }

    Map<String, Stored> saved() {
      return StateFile.save(state::visit);
    }
  }

  static IntStream cuts() {
    return IntStream.rangeClosed(0, EPOCHS * BATCHES);
  }

  @ParameterizedTest
  @MethodSource("cuts")
  void resumedTrainingHasTheSameBits(int cut) throws IOException {
    DType dtype = cut % 3 == 0 ? DType.F32 : cut % 3 == 1 ? DType.BF16 : DType.F16;
    boolean adam = cut % 2 == 0;
    Training whole = new Training(adam, dtype);
    whole.run(Long.MAX_VALUE);
    Training first = new Training(adam, dtype);
    first.run(cut);
    Path file = folder.resolve("training.safetensors");
    first.state.save(file);
    Training second = new Training(adam, dtype);
    second.state.load(file);
    assertThat(second.saved()).isEqualTo(first.saved());
    assertThat(second.state.step()).isEqualTo(cut);
    second.run(Long.MAX_VALUE);
    assertThat(second.saved()).isEqualTo(whole.saved());
  }

  @Test
  void progressIsCounted() {
    TrainingState state = new TrainingState(-5);
    assertThat(state.seed()).isEqualTo(-5);
    state.batchDone();
    state.batchDone();
    assertThat(state.epoch()).isEqualTo(1);
    assertThat(state.batch()).isEqualTo(2);
    state.epochDone();
    state.batchDone();
    assertThat(state.epoch()).isEqualTo(2);
    assertThat(state.batch()).isEqualTo(1);
    assertThat(state.step()).isEqualTo(3);
  }

  @Test
  void fileHasAllUnderItsNames() {
    assertThat(new Training(false, DType.F32).saved())
        .containsKeys(
            "progress.epochs",
            "progress.batches",
            "progress.steps",
            "model.fc1.weight",
            "model.norm.running_mean",
            "model.drop.batches",
            "optimizer.fc1.weight.velocity",
            "scale.value",
            "plateau.rate");
  }

  @Test
  void whatDoesNotFitChangesNothing() throws IOException {
    Path file = folder.resolve("training.safetensors");
    Training adam = new Training(true, DType.F32);
    adam.run(3);
    adam.state.save(file);
    Training sgd = new Training(false, DType.F32);
    Map<String, Stored> before = sgd.saved();
    assertThatThrownBy(() -> sgd.state.load(file))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("optimizer.fc1.weight.velocity: is missing");
    assertThat(sgd.saved()).isEqualTo(before);
    assertThatThrownBy(() -> new TrainingState(8).load(file))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "file: expected seed 8, from which the order of the data follows, got 7 in " + file);
    assertThatThrownBy(() -> adam.state.with("model", sgd.model::visit))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("name: model is taken");
    BatchSource one = BatchSource.inOrder(adam.x, adam.labels, 18);
    assertThatThrownBy(() -> adam.state.rest(one))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("all: expected 3 batches or more, which are done, got 1");
  }
}
