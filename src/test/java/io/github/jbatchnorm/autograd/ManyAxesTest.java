package io.github.jbatchnorm.autograd;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.memory.DType;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Tensors of a hundred axes, most of them of size 1, are computed as those of a few. */
class ManyAxesTest {
  private static final int AXES = 98;

  /** Axes of size 1, but some of 2 at random places; perhaps one of 0. */
  private static int[] axes(SplittableRandom random) {
    int[] axes = new int[AXES];
    Arrays.fill(axes, 1);
    for (int i = 0; i < 6; i++) {
      axes[random.nextInt(AXES)] = 2;
    }
    if (random.nextInt(4) == 0) {
      axes[random.nextInt(AXES)] = 0;
    }
    return axes;
  }

  private static int[] with(int[] axes, int... last) {
    int[] all = Arrays.copyOf(axes, axes.length + last.length);
    System.arraycopy(last, 0, all, axes.length, last.length);
    return all;
  }

  /** Some of the axes of size 2 at random are of size 1, so that they repeat. */
  private static int[] repeating(SplittableRandom random, int... axes) {
    return Arrays.stream(axes).map(a -> a == 2 && random.nextBoolean() ? 1 : a).toArray();
  }

  private static int[] short1(int... axes) {
    return Arrays.stream(axes).filter(axis -> axis != 1).toArray();
  }

  @Test
  void productsOfManyAxesAreThoseOfFew() {
    SplittableRandom random = new SplittableRandom(100);
    for (int round = 0; round < 50; round++) {
      int[] axes = axes(random);
      Tensor a = Tensors.uniform(DType.F64, random, -1, 1, with(repeating(random, axes), 3, 4));
      Tensor b = Tensors.uniform(DType.F64, random, -1, 1, with(repeating(random, axes), 4, 2));
      Tensor y = a.matmul(b);
      Tensor sum = a.reshape(with(a.shape(), 1)).multiply(b.reshape(spread(b))).sum(-2);
      assertThat(y.shape()).isEqualTo(sum.shape());
      assertThat(y.allClose(sum, 1e-14, 1e-14)).isTrue();
    }
  }

  /** (..., 4, 2) as (..., 1, 4, 2). */
  private static int[] spread(Tensor b) {
    return with(Arrays.copyOf(b.shape(), AXES), 1, 4, 2);
  }

  @Test
  void sumsAndFunctionsOfManyAxesAreThoseOfFew() {
    SplittableRandom random = new SplittableRandom(101);
    for (int round = 0; round < 50; round++) {
      int[] axes = axes(random);
      Tensor x = Tensors.uniform(DType.F32, random, -1, 1, axes);
      Tensor few = x.reshape(short1(axes));
      int[] gone = IntStream.range(0, AXES).filter(i -> axes[i] == 1 || i % 2 == 0).toArray();
      int[] goneOfFew =
          IntStream.range(0, few.ndim()).filter(i -> place(axes, i) % 2 == 0).toArray();
      Tensor sum = goneOfFew.length == 0 ? few : few.sum(goneOfFew);
      assertThat(x.sum(gone).toFloatArray()).isEqualTo(sum.toFloatArray());
      assertThat(x.exp().add(x).toFloatArray()).isEqualTo(few.exp().add(few).toFloatArray());
    }
  }

  /** Where the axis of that number, of those other than 1, lies. */
  private static int place(int[] axes, int number) {
    return IntStream.range(0, AXES)
        .filter(i -> axes[i] != 1)
        .skip(number)
        .findFirst()
        .orElseThrow();
  }
}
