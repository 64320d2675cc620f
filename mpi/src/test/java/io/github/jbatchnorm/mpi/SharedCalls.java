package io.github.jbatchnorm.mpi;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.batchnorm.BatchNormBuilder;
import io.github.jbatchnorm.batchnorm.BatchNormOp;
import io.github.jbatchnorm.kernel.Communicator;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * On each rank: batch norm of its share of a batch, and of all of it alone; prints what differs.
 */
final class SharedCalls {
  private static final int SAMPLES = 77;
  private static final int CHANNELS = 6;
  private static final int SAMPLE = CHANNELS * 35;

  private SharedCalls() {}

  public static void main(String[] args) {
    MpiCommunicator.run(
        ranks -> {
          switch (args[0]) {
            case "bits" -> bits(ranks);
            case "differ" -> differ(ranks);
            case "sum" -> sum(ranks);
            case "meanwhile" -> meanwhile(ranks);
            case "lengths" -> lengths(ranks);
            case "left" -> ranks.beginSum(data(DType.F32, 1, 5));
            case "dies" -> dies(ranks, () -> Runtime.getRuntime().halt(137));
            case "throws" ->
                dies(
                    ranks,
                    () -> {
                      throw new UnsupportedOperationException("a fault of the program's");
                    });
            default -> throw new IllegalArgumentException(args[0]);
          }
        });
  }

  private static Storage data(DType dtype, long seed, int size) {
    SplittableRandom random = new SplittableRandom(seed);
    Storage data = Storage.allocate(dtype, size);
    for (int i = 0; i < size; i++) {
      data.set(i, random.nextGaussian() + 3);
    }
    return data;
  }

  private static Tensor samples(DType dtype, long seed, int from, int to) {
    return Tensor.variable(
        data(dtype, seed, SAMPLES * SAMPLE).slice(from * SAMPLE, (to - from) * SAMPLE),
        to - from,
        CHANNELS,
        SAMPLE / CHANNELS);
  }

  /** y, and the gradients of x, gamma and beta, of samples [from, to). */
  private static Storage[] run(DType dtype, int from, int to, @Nullable Communicator ranks) {
    Tensor x = samples(dtype, 1, from, to);
    Tensor gamma = Tensor.variable(data(dtype, 3, CHANNELS), CHANNELS);
    Tensor beta = Tensor.variable(data(dtype, 4, CHANNELS), CHANNELS);
    BatchNormBuilder call = BatchNormOp.on(x).gamma(gamma).beta(beta);
    Tensor y = call.synchronizedBy(ranks).apply();
    y.backward(samples(dtype, 2, from, to).asConstant());
    return Stream.of(y, grad(x), grad(gamma), grad(beta))
        .map(Tensor::storage)
        .toArray(Storage[]::new);
  }

  private static Tensor grad(Tensor tensor) {
    return Objects.requireNonNull(tensor.grad());
  }

  private static void bits(Communicator ranks) {
    int differing = 0;
    for (DType dtype : new DType[] {DType.F32, DType.F64}) {
      // Unequal shares; with three ranks or more the second is empty.
      int size = ranks.size();
      int[] cuts = new int[size + 1];
      for (int i = 1; i <= size; i++) {
        cuts[i] = i == 2 && size > 2 ? cuts[1] : SAMPLES * i * i / size / size;
      }
      int from = cuts[ranks.rank()];
      int to = cuts[ranks.rank() + 1];
      Storage[] own = run(dtype, from, to, ranks);
      Storage[] whole = run(dtype, 0, SAMPLES, null);
      for (int i = 0; i < own.length; i++) {
        Storage expected = i < 2 ? whole[i].slice(from * SAMPLE, (to - from) * SAMPLE) : whole[i];
        differing += own[i].bytes().equals(expected.bytes()) ? 0 : 1;
      }
    }
    System.out.println("rank " + ranks.rank() + " differing " + differing);
  }

  private static void differ(Communicator ranks) {
    int channels = ranks.rank() == ranks.size() - 1 ? 4 : 3;
    Tensor x = Tensor.variable(data(DType.F32, 1, 8 * channels), 4, channels, 2);
    try {
      BatchNormOp.on(x).synchronizedBy(ranks).apply();
    } catch (IllegalArgumentException e) {
      System.out.println("refused: " + e.getMessage());
    }
  }

  /** Returns data's sums over ranks, in their order, of the dtype and length of {@code like}. */
  private static Storage added(Storage like, long seed, int ranks) {
    double[] sums = new double[like.length()];
    for (int rank = 0; rank < ranks; rank++) {
      Storage one = data(like.dtype(), seed + rank, like.length());
      for (int i = 0; i < sums.length; i++) {
        sums[i] += one.get(i);
      }
    }
    Storage added = Storage.allocate(like.dtype(), like.length());
    for (int i = 0; i < sums.length; i++) {
      added.set(i, sums[i]);
    }
    return added;
  }

  private static void sum(Communicator ranks) {
    boolean same = true;
    for (DType dtype : new DType[] {DType.F32, DType.F64}) {
      for (int length : new int[] {0, 1, 5, 1000}) {
        Storage values = data(dtype, ranks.rank(), length);
        ranks.sum(values);
        same &= values.bytes().equals(added(values, 0, ranks.size()).bytes());
      }
    }
    System.out.println("rank " + ranks.rank() + " sums " + same);
  }

  /** Sums that are not of the same length, and one after them that is. */
  private static void lengths(Communicator ranks) {
    Runnable end = ranks.beginSum(data(DType.F64, 1, ranks.rank() == 0 ? 100_000 : 200));
    Storage next = data(DType.F32, ranks.rank(), 1000);
    Runnable endOfNext = ranks.beginSum(next);
    try {
      end.run();
    } catch (IllegalArgumentException e) {
      endOfNext.run();
      boolean same = next.bytes().equals(added(next, 0, ranks.size()).bytes());
      System.out.println("refused: " + e.getMessage() + "; next " + same);
    }
  }

  /** Sums that go on beside each other and beside batch norms. */
  private static void meanwhile(Communicator ranks) {
    int[] lengths = {3, 300_000, 0, 70_000, 1, 20_000};
    boolean same = true;
    for (int round = 0; round < 3; round++) {
      List<Storage> values = new ArrayList<>();
      List<Runnable> ends = new ArrayList<>();
      for (int length : lengths) {
        DType dtype = length % 7 == 0 ? DType.F64 : DType.F32;
        values.add(data(dtype, ranks.rank() + round, length));
        ends.add(ranks.beginSum(values.get(values.size() - 1)));
        run(DType.F32, 10 * ranks.rank(), 10 * ranks.rank() + 10, ranks);
      }
      ends.forEach(Runnable::run);
      for (Storage sums : values) {
        same &= sums.bytes().equals(added(sums, round, ranks.size()).bytes());
      }
    }
    Runnable first = ranks.beginSum(data(DType.F32, 1, 5));
    Runnable second = ranks.beginSum(data(DType.F32, 1, 5));
    String refused = "";
    try {
      second.run();
    } catch (IllegalStateException e) {
      refused = String.valueOf(e.getMessage());
    }
    first.run();
    second.run();
    System.out.println("rank " + ranks.rank() + " meanwhile " + same + ", " + refused);
  }

  /** The last rank ends, as one does that is killed, or throws, while the others wait for it. */
  private static void dies(Communicator ranks, Runnable end) {
    run(DType.F32, 0, 10, ranks);
    if (ranks.rank() == ranks.size() - 1) {
      end.run();
    }
    run(DType.F32, 0, 10, ranks);
    System.out.println("not reached");
  }
}
