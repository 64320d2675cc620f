package io.github.jbatchnorm.programs;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.autograd.Checkpoint;
import io.github.jbatchnorm.autograd.InvalidBackpropException;
import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.FailingMemory;
import io.github.jbatchnorm.memory.MemoryLimitException;
import io.github.jbatchnorm.memory.MemoryScope;
import io.github.jbatchnorm.memory.MemoryUse;
import io.github.jbatchnorm.nn.Adam;
import io.github.jbatchnorm.nn.BatchNorm;
import io.github.jbatchnorm.nn.Conv;
import io.github.jbatchnorm.nn.Dense;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.Sequential;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.functional.Losses;
import io.github.jbatchnorm.nn.models.ResidualBlock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Every allocation of a program fails once: it ends in the exception for that, all of its memory
 * goes back, nothing else has changed, and a backward that failed works when it is asked again.
 *
 * <p>More programs: {@code -Djbatchnorm.test.programs=1000}.
 */
class FailingAllocatorTest {
  private static final int PROGRAMS = Integer.getInteger("jbatchnorm.test.programs", 15);

  /** What is done, of which any allocation may fail. */
  private interface Work {
    void run();
  }

  /** Returns how many allocations failed, each once. */
  private static int failEach(Work work) {
    for (int n = 1; ; n++) {
      long before = MemoryUse.now().inUse();
      boolean failed = false;
      try (MemoryScope scope = MemoryScope.open();
          FailingMemory memory = new FailingMemory(n)) {
        try {
          work.run();
        } catch (MemoryLimitException e) {
          failed = true;
          assertThat(e).hasMessageContaining("the system has no more");
        }
        assertThat(memory.asked() >= n).isEqualTo(failed);
        assertThat(scope).isNotNull();
      }
      assertThat(NoAutodiff.isRecording()).isTrue();
      assertThat(Checkpoint.isComputing() || Checkpoint.isRecomputing()).isFalse();
      assertThat(MemoryUse.now().inUse()).isLessThanOrEqualTo(before);
      if (!failed) {
        return n - 1;
      }
    }
  }

  private static List<double[]> gradients(List<Tensor> leaves) {
    return leaves.stream()
        .map(leaf -> leaf.grad() == null ? new double[0] : leaf.grad().toDoubleArray())
        .toList();
  }

  private static Tensor loss(Program program, List<Tensor> leaves) {
    List<Tensor> nodes = new ArrayList<>();
    program.run(leaves, (node, tensor) -> nodes.add(tensor));
    return program.loss(nodes);
  }

  /** A backward that is asked again after its n-th allocation failed, which sets no gradient. */
  private static void backwardAgain(Program program, int n) {
    List<Tensor> leaves = program.tensors();
    Tensor loss = loss(program, leaves);
    List<Tensor> again = program.tensors();
    loss(program, again).backward();
    try (FailingMemory memory = new FailingMemory(n)) {
      loss.backward();
      assertThat(memory.asked()).isLessThan(n);
    } catch (MemoryLimitException e) {
      assertThat(leaves).allMatch(leaf -> leaf.grad() == null);
      loss.backward();
    }
    List<double[]> expected = gradients(again);
    List<double[]> found = gradients(leaves);
    for (int i = 0; i < expected.size(); i++) {
      assertThat(found.get(i)).as(program.toString()).isEqualTo(expected.get(i));
    }
  }

  @Test
  void randomPrograms() {
    SplittableRandom random = new SplittableRandom(5);
    for (int i = 0; i < PROGRAMS; i++) {
      Program program = ProgramBits.program(random);
      if (program.isOverwriting) {
        continue; // what was computed may be lost, which OverwritingPrograms has
      }
      int failures = failEach(() -> loss(program, program.tensors()).backward());
      assertThat(failures).isPositive();
      for (int n = 1; n <= failures; n += 1 + failures / 20) {
        int failing = n;
        MemoryScope.run(() -> backwardAgain(program, failing));
      }
    }
  }

  @Test
  void whatIsWrittenOverEndsInAnExceptionToo() {
    SplittableRandom random = new SplittableRandom(6);
    int found = 0;
    while (found < 3) {
      Program program = ProgramBits.program(random);
      if (program.isOverwriting) {
        found++;
        failEach(
            () -> {
              Tensor loss = loss(program, program.tensors());
              try {
                loss.backward();
              } catch (InvalidBackpropException e) {
                assertThat(e).hasMessageContaining("changed in place");
              }
            });
      }
    }
  }

  private static double[] parameters(Sequential model) {
    return model.parameters().values().stream()
        .flatMapToDouble(parameter -> Arrays.stream(parameter.toDoubleArray()))
        .toArray();
  }

  @Test
  void aStepOfTraining() {
    SplittableRandom random = new SplittableRandom(7);
    Sequential model =
        Sequential.builder()
            .add("conv", Conv.builder(1, 4, 3, 3).build(random))
            .add("norm", new BatchNorm(4, 0.1))
            .add("block", new ResidualBlock(4, 4, 1, random))
            .add("pool", (x, mode) -> Functions.globalAvgPool(x))
            .add("dense", new Dense(4, 3, random))
            .build();
    Adam adam = new Adam(model.parameters(), 0.01);
    float[] images = new float[4 * 36];
    for (int i = 0; i < images.length; i++) {
      images[i] = i % 7 - 3;
    }
    Work step =
        () -> {
          Tensor x = Tensor.of(images, 4, 1, 6, 6).asConstant();
          Losses.softmaxCrossentropy(model.forward(x, Mode.TRAINING), 0, 1, 2, 0).backward();
          adam.step();
        };
    MemoryScope.outside(
        () -> {
          step.run(); // the optimizer's own memory
          return true;
        });
    assertThat(failEach(step)).isGreaterThan(50);
    assertThat(parameters(model)).doesNotContain(Double.NaN);
    assertThat(model.forward(Tensor.zeros(DType.F32, 1, 1, 6, 6), Mode.EVALUATION).toDoubleArray())
        .doesNotContain(Double.NaN);
  }
}
