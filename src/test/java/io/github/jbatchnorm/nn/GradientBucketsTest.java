package io.github.jbatchnorm.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.autograd.Passing;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.Communicator;
import io.github.jbatchnorm.kernel.LocalRanks;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** What gradients are added up over ranks, and which are of all ranks already. */
class GradientBucketsTest {
  private static Tensor share(Communicator ranks) {
    float[] x = new float[12];
    for (int i = 0; i < x.length; i++) {
      x[i] = (i * 7 + 3 * ranks.rank()) % 5;
    }
    return Tensor.of(x, 6, 2);
  }

  /** Gamma's gradients of one step, of a norm and what else there is. */
  private static float[] step(Communicator ranks, BatchNorm norm, UnaryOperator<Tensor> loss) {
    DataParallel parallel = new DataParallel(norm, ranks);
    Tensor y = norm.forward(share(ranks), Mode.TRAINING);
    parallel.backward(loss.apply(y.square().multiply(1.0 + ranks.rank())).sum());
    Tensor grad = norm.gamma().grad();
    float[] values = new float[2];
    if (grad != null) {
      grad.storage().read(0, 1, values, 2);
    }
    return values;
  }

  @Test
  void normsWithFrozenStatisticsAreSummedAsTheRestIs() {
    List<float[]> frozen =
        LocalRanks.run(
            3,
            ranks -> {
              BatchNorm norm = BatchNorm.builder(2).synchronizedBy(ranks).build();
              norm.freezeStatistics(true);
              return step(ranks, norm, loss -> loss);
            });
    List<float[]> plain =
        LocalRanks.run(
            3,
            ranks -> {
              BatchNorm norm = BatchNorm.builder(2).build();
              norm.freezeStatistics(true);
              return step(ranks, norm, loss -> loss);
            });
    for (float[] gradient : frozen) {
      assertThat(gradient).isEqualTo(plain.get(0));
    }
  }

  @Test
  void synchronizedNormsGiveTheGradientThatTheyHave() {
    List<float[]> gradients =
        LocalRanks.run(
            3,
            ranks -> {
              BatchNorm norm = BatchNorm.builder(2).synchronizedBy(ranks).build();
              float[] found = step(ranks, norm, loss -> loss);
              BatchNorm again = BatchNorm.builder(2).synchronizedBy(ranks).build();
              Tensor y = again.forward(share(ranks), Mode.TRAINING);
              y.square().multiply(1.0 + ranks.rank()).sum().backward();
              float[] own = new float[2];
              Objects.requireNonNull(again.gamma().grad()).storage().read(0, 1, own, 2);
              assertThat(found).isEqualTo(own);
              return found;
            });
    assertThat(gradients.get(1)).isEqualTo(gradients.get(0));
    assertThat(gradients.get(2)).isEqualTo(gradients.get(0));
  }

  @Test
  void aScaleThatIsUsedElsewhereTooIsFound() {
    List<String> messages =
        LocalRanks.run(
            3,
            ranks -> {
              BatchNorm norm = BatchNorm.builder(2).synchronizedBy(ranks).build();
              return DataParallelTest.message(
                  () ->
                      step(
                          ranks,
                          norm,
                          loss -> loss.sum().add(norm.gamma().sum().multiply(1.0 + ranks.rank()))));
            });
    assertThat(messages).allMatch(text -> text.contains("used by them alone"));
  }

  @Test
  void normsOfOtherRanksAndOfSomeRanksAloneAreRefused() {
    List<String> others =
        LocalRanks.run(
            2,
            ranks -> {
              BatchNorm norm = BatchNorm.builder(2).synchronizedBy(LocalRanks.alone()).build();
              return DataParallelTest.message(() -> new DataParallel(norm, ranks));
            });
    assertThat(others)
        .allMatch(text -> text.contains("synchronized by the same communicator, got another"));
    List<String> some =
        LocalRanks.run(
            2,
            ranks -> {
              Communicator own = ranks.rank() == 0 ? ranks : null;
              BatchNorm norm = BatchNorm.builder(2).synchronizedBy(own).build();
              return DataParallelTest.message(() -> new DataParallel(norm, ranks));
            });
    assertThat(some)
        .containsOnly(
            "ranks: expected the same network on all, got weight F32 of 2 synchronized on rank 0 and"
                + " weight F32 of 2 on rank 1");
  }

  @Test
  void whatIsFrozenOnAllRanksHasNoGradient() {
    List<float[]> gradients =
        LocalRanks.run(
            2,
            ranks -> {
              BatchNorm norm = BatchNorm.builder(2).synchronizedBy(ranks).build();
              norm.freezeParameters(true);
              Tensor other = Tensor.of(new float[] {1, 2}, 2);
              return step(ranks, norm, loss -> loss.multiply(other));
            });
    assertThat(gradients).allMatch(values -> values[0] == 0 && values[1] == 0);
  }

  @Test
  void aStepWhoseBackwardThrewIsEndedByTheNext() {
    List<Double> sums =
        LocalRanks.run(
            2,
            ranks -> {
              boolean[] fails = {true};
              Sequential network =
                  Sequential.builder()
                      .add("first", new Dense(1, 1, new SplittableRandom(1)))
                      .add("fails", x -> Passing.on(x, () -> failOnce(fails)))
                      .add("second", new Dense(1, 1, new SplittableRandom(2)))
                      .build();
              DataParallel parallel = new DataParallel(network, ranks, 1);
              Tensor x = Tensor.of(new float[] {1}, 1, 1);
              assertThatThrownBy(() -> parallel.backward(network.forward(x, Mode.TRAINING).sum()))
                  .isInstanceOf(ArithmeticException.class);
              fails[0] = false;
              parallel.backward(network.forward(x, Mode.TRAINING).sum());
              return Objects.requireNonNull(network.parameters().get("second.bias").grad()).item();
            });
    assertThat(sums).containsOnly(2.0);
  }

  private static void failOnce(boolean... fails) {
    if (fails[0]) {
      throw new ArithmeticException("once");
    }
  }

  /** A transport that agrees on each message ahead of it. */
  private record Checking(Communicator ranks) implements Communicator {
    @Override
    public int rank() {
      return ranks.rank();
    }

    @Override
    public int size() {
      return ranks.size();
    }

    @Override
    public void allGather(ByteBuffer own, int[] lengths, ByteBuffer all) {
      ranks.agree("message", "lengths " + Arrays.toString(lengths).replace(", ", " "));
      ranks.allGather(own, lengths, all);
    }
  }

  @Test
  void aTransportMayHaveMessagesOfItsOwn() {
    List<String> messages =
        LocalRanks.run(
            2,
            own -> {
              Communicator ranks = new Checking(own);
              Storage sums = Storage.allocate(DType.F64, 3);
              sums.set(1, 1 + ranks.rank());
              ranks.sum(sums);
              assertThat(sums.get(1)).isEqualTo(3);
              BatchNorm norm = BatchNorm.builder(2).synchronizedBy(ranks).build();
              BatchNorm plain = BatchNorm.builder(2).synchronizedBy(own).build();
              assertThat(step(ranks, norm, loss -> loss)).isEqualTo(step(own, plain, loss -> loss));
              return DataParallelTest.message(() -> ranks.agree("colour", "red " + ranks.rank()));
            });
    assertThat(messages)
        .containsOnly(
            "ranks: expected the same colour on all, got red 0 on rank 0 and red 1 on rank 1");
  }
}
