package io.github.jbatchnorm.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.ToIntFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A batch that ranks have shares of: the bits of one call of the Java kernel on all of it. */
class SharedBatchTest {
  private static final BatchNormOptions OPTIONS = new BatchNormOptions(Layout.NCHW, 1e-5, 0.25);

  /** Inputs and results, of all samples or of a share. */
  private record Data(BatchNormShape shape, List<Storage> all) {
    static Data of(BatchNormShape shape, double mean) {
      Random random = new Random(5);
      List<Storage> all = new ArrayList<>();
      for (int i = 0; i < 3; i++) { // x, dy, z
        Storage data = Storage.allocate(shape.dtype(), shape.size());
        for (int at = 0; at < data.length(); at++) {
          data.set(at, (i == 0 ? mean : 0) + random.nextGaussian());
        }
        all.add(data);
      }
      for (int i = 0; i < 2; i++) { // gamma, beta
        Storage data = Storage.allocate(shape.dtype().parameters(), shape.c());
        for (int at = 0; at < data.length(); at++) {
          data.set(at, 1 + 0.1 * random.nextGaussian());
        }
        all.add(data);
      }
      return new Data(shape, all);
    }

    Data share(int from, int samples) {
      BatchNormShape own =
          new BatchNormShape(shape.dtype(), shape.layout(), samples, shape.c(), shape.s());
      int row = shape.c() * shape.s();
      List<Storage> parts = new ArrayList<>(all);
      for (int i = 0; i < 3; i++) {
        Storage part = Storage.allocate(shape.dtype(), own.size());
        part.copy(all.get(i), from * row, 0, own.size());
        parts.set(i, part);
      }
      return new Data(own, parts);
    }

    /** Forward and backward; returns y, dx and dz, and what is of channels. */
    Result run(BatchNormKernel kernel, Communicator ranks) {
      Storage y = Storage.allocate(shape.dtype(), shape.size());
      Storage dx = Storage.allocate(shape.dtype(), shape.size());
      Storage dz = Storage.allocate(shape.dtype(), shape.size());
      List<Storage> channels = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        channels.add(Storage.allocate(shape.dtype().parameters(), shape.c()));
      }
      Storage saved = Storage.allocate(DType.F64, 4L * shape.c());
      ForwardArguments forward =
          new ForwardArguments(shape, OPTIONS, all.get(0))
              .z(all.get(2))
              .gamma(all.get(3))
              .beta(all.get(4))
              .y(y)
              .mean(channels.get(0))
              .var(channels.get(1))
              .saved(saved)
              .sharedBy(ranks);
      kernel.forward(forward);
      kernel.backward(
          new BackwardArguments(shape, OPTIONS, all.get(0), all.get(1), saved)
              .gamma(all.get(3))
              .beta(all.get(4))
              .y(y)
              .dx(dx)
              .dz(dz)
              .dGamma(channels.get(2))
              .dBeta(channels.get(3))
              .sharedBy(ranks));
      channels.add(saved);
      return new Result(List.of(y, dx, dz), channels, forward.totalSamples());
    }
  }

  private record Result(List<Storage> data, List<Storage> channels, long samples) {}

  static Stream<BatchNormShape> shapes() {
    return Stream.of(DType.F32, DType.F64, DType.BF16)
        .flatMap(
            dtype ->
                Stream.of(
                    new BatchNormShape(dtype, Layout.NCHW, 37, 3, 70),
                    new BatchNormShape(dtype, Layout.NHWC, 300, 5, 4),
                    new BatchNormShape(dtype, Layout.NCHW, 1100, 2, 1),
                    new BatchNormShape(dtype, Layout.NHWC, 16, 2, 1024)));
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void sharesHaveTheBitsOfTheWhole(BatchNormShape shape) {
    for (double mean : new double[] {0.5, 5000}) {
      Data data = Data.of(shape, mean);
      Result whole = data.run(Kernels.javaKernel(), null);
      for (int ranks : new int[] {1, 2, 3, 4, 8}) {
        for (BatchNormKernel kernel : List.of(Kernels.nativeKernel(), Kernels.javaKernel())) {
          check(data, cuts(shape.n(), ranks), kernel, whole);
        }
      }
    }
  }

  /** Where shares begin and end: unequal ones, the second of three or more empty. */
  private static int[] cuts(int n, int ranks) {
    int[] cuts = new int[ranks + 1];
    for (int rank = 1; rank <= ranks; rank++) {
      cuts[rank] = rank == ranks ? n : (int) ((long) n * rank * rank / ranks / ranks);
    }
    if (ranks > 2) {
      cuts[2] = cuts[1];
    }
    return cuts;
  }

  private static void check(Data data, int[] cuts, BatchNormKernel kernel, Result whole) {
    List<Result> found =
        LocalRanks.run(
            cuts.length - 1,
            ranks -> {
              int from = cuts[ranks.rank()];
              return data.share(from, cuts[ranks.rank() + 1] - from).run(kernel, ranks);
            });
    for (Result one : found) {
      assertThat(one.samples()).isEqualTo(data.shape().n());
      for (int i = 0; i < one.channels().size(); i++) {
        assertThat(one.channels().get(i).bytes()).isEqualTo(whole.channels().get(i).bytes());
      }
    }
    for (int i = 0; i < 3; i++) {
      ByteBuffer expected = whole.data().get(i).bytes();
      ByteBuffer joined = ByteBuffer.allocate(expected.remaining());
      for (Result one : found) {
        joined.put(one.data().get(i).bytes());
      }
      assertThat(joined.flip()).isEqualTo(expected);
    }
  }

  /** What each rank throws. */
  private static List<String> messages(
      int size, ToIntFunction<Communicator> channels, BatchNormOptions... by) {
    return LocalRanks.run(
        size,
        ranks -> {
          BatchNormOptions options = by.length == 0 ? OPTIONS : by[ranks.rank()];
          int c = channels.applyAsInt(ranks);
          BatchNormShape shape = new BatchNormShape(DType.F32, Layout.NCHW, 4, c, 3);
          Storage y = Storage.allocate(DType.F32, c == 7 ? 1 : shape.size());
          try {
            Kernels.current()
                .forward(
                    new ForwardArguments(shape, options, Storage.allocate(DType.F32, shape.size()))
                        .y(y)
                        .sharedBy(ranks));
            return "nothing";
          } catch (IllegalArgumentException e) {
            return String.valueOf(e.getMessage());
          }
        });
  }

  @Test
  void ranksThatDifferThrowOneErrorThatNamesBoth() {
    assertThat(messages(3, ranks -> ranks.rank() == 2 ? 5 : 2))
        .containsOnly("ranks: expected the same call on all, got C 2 on rank 0 and C 5 on rank 2");
    assertThat(messages(2, ranks -> 2, OPTIONS, OPTIONS.withEps(1)))
        .containsOnly(
            "ranks: expected the same call on all, got eps 1.0E-5 on rank 0 and eps 1.0 on rank 1");
  }

  @Test
  void whatOneRankRefusesAllHearOf() {
    assertThat(messages(3, ranks -> ranks.rank() == 1 ? 7 : 2))
        .containsOnly("rank 1: y: expected 84 elements (N*C*S), got 1");
  }

  @Test
  void sumsAreTheSameOnAllRanks() {
    int length = 100_000; // more than goes round at once
    List<double[]> sums =
        LocalRanks.run(
            3,
            ranks -> {
              Random random = new Random(ranks.rank());
              Storage values = Storage.allocate(DType.F32, length);
              for (int i = 0; i < length; i++) {
                values.set(i, random.nextGaussian());
              }
              ranks.sum(values);
              double[] found = new double[length];
              Arrays.setAll(found, values::get);
              return found;
            });
    Random[] randoms = {new Random(0), new Random(1), new Random(2)};
    for (int i = 0; i < length; i++) {
      double sum = 0;
      for (Random random : randoms) {
        sum += (float) random.nextGaussian();
      }
      for (double[] found : sums) {
        assertThat(found[i]).isEqualTo((float) sum);
      }
    }
  }
}
