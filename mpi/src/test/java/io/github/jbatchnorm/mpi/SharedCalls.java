package io.github.jbatchnorm.mpi;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.batchnorm.BatchNormBuilder;
import io.github.jbatchnorm.batchnorm.BatchNormOp;
import io.github.jbatchnorm.kernel.Communicator;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * On each rank: batch norm of its share of a batch, and of all of it alone; prints what differs.
 */
final class SharedCalls {
  private SharedCalls() {}

  public static void main(String[] args) {
    try (MpiCommunicator ranks = MpiCommunicator.world()) {
      switch (args[0]) {
        case "bits" -> bits(ranks);
        case "differ" -> differ(ranks);
        case "sum" -> sum(ranks);
        case "dies" -> dies(ranks);
        default -> throw new IllegalArgumentException(args[0]);
      }
    }
  }

  private static Tensor data(DType dtype, long seed, int... shape) {
    SplittableRandom random = new SplittableRandom(seed);
    int size = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    Storage data = Storage.allocate(dtype, size);
    for (int i = 0; i < size; i++) {
      data.set(i, random.nextGaussian() + 3);
    }
    return Tensor.variable(data, shape);
  }

  /** y, and the gradients of x, gamma and beta, of samples [from, to). */
  private static Tensor[] run(DType dtype, int from, int to, @Nullable Communicator ranks) {
    Tensor x = data(dtype, 1, 77, 6, 5, 7).slice(0, from, to).copy();
    Tensor dy = data(dtype, 2, 77, 6, 5, 7).slice(0, from, to).copy();
    Tensor gamma = data(dtype, 3, 6);
    Tensor beta = data(dtype, 4, 6);
    BatchNormBuilder call = BatchNormOp.on(x).gamma(gamma).beta(beta);
    Tensor y = call.synchronizedBy(ranks).apply();
    y.backward(dy.asConstant());
    return new Tensor[] {y, x.grad(), gamma.grad(), beta.grad()};
  }

  private static void bits(MpiCommunicator ranks) {
    int differing = 0;
    for (DType dtype : new DType[] {DType.F32, DType.F64}) {
      // Unequal shares; with three ranks or more the second is empty.
      int[] cuts = new int[ranks.size() + 1];
      for (int i = 1; i <= ranks.size(); i++) {
        cuts[i] = i == 2 && ranks.size() > 2 ? cuts[1] : 77 * i * i / ranks.size() / ranks.size();
      }
      int from = cuts[ranks.rank()];
      int to = cuts[ranks.rank() + 1];
      Tensor[] own = run(dtype, from, to, ranks);
      Tensor[] whole = run(dtype, 0, 77, null);
      for (int i = 0; i < own.length; i++) {
        Tensor expected = i < 2 ? whole[i].slice(0, from, to).copy() : whole[i];
        boolean same = own[i].storage().bytes().equals(expected.storage().bytes());
        differing += same ? 0 : 1;
      }
    }
    System.out.println("rank " + ranks.rank() + " differing " + differing);
  }

  private static void differ(MpiCommunicator ranks) {
    int channels = ranks.rank() == ranks.size() - 1 ? 4 : 3;
    Tensor x = data(DType.F32, 1, 8, channels, 2);
    try {
      BatchNormOp.on(x).synchronizedBy(ranks).apply();
    } catch (IllegalArgumentException e) {
      System.out.println("refused: " + e.getMessage());
    }
  }

  private static void sum(MpiCommunicator ranks) {
    boolean same = true;
    for (DType dtype : new DType[] {DType.F32, DType.F64}) {
      for (int length : new int[] {0, 1, 5, 1000}) {
        Storage values =
            length == 0 ? Storage.allocate(dtype, 0) : data(dtype, ranks.rank(), length).storage();
        Storage expected = Storage.allocate(dtype, length);
        for (int i = 0; i < length; i++) {
          double sum = 0;
          for (int rank = 0; rank < ranks.size(); rank++) {
            sum += data(dtype, rank, length).storage().get(i);
          }
          expected.set(i, sum);
        }
        ranks.sum(values);
        same &= values.bytes().equals(expected.bytes());
      }
    }
    System.out.println("rank " + ranks.rank() + " sums " + same);
  }

  /** The last rank ends as one does that is killed, while the others wait for it. */
  private static void dies(MpiCommunicator ranks) {
    run(DType.F32, 0, 10, ranks);
    if (ranks.rank() == ranks.size() - 1) {
      Runtime.getRuntime().halt(137);
    }
    run(DType.F32, 0, 10, ranks);
    System.out.println("not reached");
  }
}
