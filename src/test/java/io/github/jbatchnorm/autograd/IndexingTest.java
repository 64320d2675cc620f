package io.github.jbatchnorm.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** NumPy's advanced indexing: integer arrays, masks, and both beside slices and new axes. */
class IndexingTest {
  private static Tensor counted(int... shape) {
    int size = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    return Tensor.of(IntStream.range(0, size).asDoubleStream().toArray(), shape);
  }

  private static void assertPicks(Tensor found, int[] shape, double... expected) {
    assertThat(found.shape()).isEqualTo(shape);
    assertThat(found.toDoubleArray()).containsExactly(expected);
  }

  private static int[] shape(int... sizes) {
    return sizes;
  }

  @Test
  void scoresOfLabels() {
    Tensor scores = counted(3, 4);
    Tensor picked = scores.slice(Index.of(0, 1, 2), Index.of(1, 0, 3));
    assertPicks(picked, shape(3), 1, 4, 11);
    picked.backward();
    assertThat(scores.grad().toDoubleArray()).containsExactly(0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1);
  }

  @Test
  void gradientsOfRepeatedElementsAddUp() {
    Tensor x = counted(3);
    x.slice(Index.of(0, 2, 0, -1)).multiply(Tensor.of(new double[] {1, 10, 100, 1000})).backward();
    assertThat(x.grad().toDoubleArray()).containsExactly(101, 0, 1010);
  }

  @Test
  void arraysBroadcastAndHaveAxes() {
    Tensor x = counted(3, 4);
    Index rows = Index.ofShape(new int[] {0, 2}, 2, 1);
    assertPicks(x.slice(rows, Index.of(3, 0)), shape(2, 2), 3, 0, 11, 8);
    assertPicks(
        x.slice(Index.ofShape(new int[] {0, 1, 1, 2}, 2, 2), Index.at(1)), shape(2, 2), 1, 5, 5, 9);
    assertPicks(x.slice(Index.ofShape(new int[] {1})), shape(4), 4, 5, 6, 7);
    assertThat(x.slice(Index.of(), Index.of()).shape()).containsExactly(0);
  }

  /** As NumPy: arrays that follow each other stay where they are, others come first. */
  @Test
  void axesOfArraysComeWhereNumpyHasThem() {
    Tensor x = counted(2, 3, 4);
    assertThat(x.slice(Index.all(), Index.of(0, 2), Index.of(1, 3)).shape()).containsExactly(2, 2);
    assertPicks(
        x.slice(Index.of(0, 1), Index.all(), Index.of(1, 3)), shape(2, 3), 1, 5, 9, 15, 19, 23);
    assertThat(x.slice(Index.at(0), Index.all(), Index.of(1, 3)).shape()).containsExactly(2, 3);
    assertThat(x.slice(Index.all(), Index.of(0, 2, 1)).shape()).containsExactly(2, 3, 4);
    assertThat(x.slice(Index.of(0, 0, 1), Index.newAxis(), Index.ellipsis()).shape())
        .containsExactly(3, 1, 3, 4);
    assertThat(x.slice(Index.of(0, 1), Index.newAxis(), Index.of(0, 1)).shape())
        .containsExactly(2, 1, 4);
    assertThat(x.slice(Index.newAxis(), Index.at(1), Index.of(0, 2)).shape())
        .containsExactly(1, 2, 4);
    assertPicks(
        x.slice(Index.at(1), Index.range(0, 2), Index.of(3, 0)), shape(2, 2), 15, 19, 12, 16);
  }

  @Test
  void masksChooseFromSomeAxes() {
    Tensor x = counted(2, 3, 2);
    boolean[] mask = {true, false, true};
    assertPicks(x.slice(Index.all(), Index.mask(mask)), shape(2, 2, 2), 0, 1, 4, 5, 6, 7, 10, 11);
    assertPicks(
        x.slice(Index.mask(new boolean[] {false, true, false, false, false, true}, 2, 3)),
        shape(2, 2),
        2,
        3,
        10,
        11);
    assertPicks(
        x.slice(Index.ellipsis(), Index.mask(new boolean[] {false, true})),
        shape(2, 3, 1),
        1,
        3,
        5,
        7,
        9,
        11);
    Tensor y = x.slice(Index.mask(x.greater(8)));
    assertPicks(y, shape(3), 9, 10, 11);
    y.square().backward();
    assertThat(x.grad().toDoubleArray()).containsExactly(0, 0, 0, 0, 0, 0, 0, 0, 0, 18, 20, 22);
    // Beside an array a mask is the array of its places.
    assertPicks(x.slice(Index.of(1, 0), Index.mask(mask), Index.at(0)), shape(2), 6, 4);
    assertThat(x.slice(Index.mask(new boolean[2])).shape()).containsExactly(0, 3, 2);
  }

  @Test
  void badIndicesAreNamed() {
    Tensor x = counted(2, 3);
    assertThatThrownBy(() -> x.slice(Index.of(0, 2)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("indices: 2 is out of range for axis 0 of size 2");
    assertThatThrownBy(() -> x.slice(Index.of(0, 1), Index.of(0, 1, 2)))
        .hasMessage("indices: shapes (2) and (3) do not broadcast");
    assertThatThrownBy(() -> x.slice(Index.mask(new boolean[3])))
        .hasMessage("indices: a mask of shape (3) does not fit axes 0 to 0 of shape (2, 3)");
    assertThatThrownBy(() -> x.slice(Index.at(0), Index.mask(new boolean[6], 2, 3)))
        .hasMessage("indices: expected at most 2 for shape (2, 3), got 3");
    assertThatThrownBy(() -> Index.mask(new boolean[3], 2))
        .hasMessage("shape: expected one or more axes of 3 elements, got (2)");
    assertThatThrownBy(() -> Index.mask(Tensor.scalar(1)))
        .hasMessage("mask: expected one or more axes, got shape ()");
    assertThatThrownBy(() -> Index.ofShape(new int[3], 2))
        .hasMessage("shape: (2) has 2 elements, there are 3 numbers");
  }

  static IntStream seeds() {
    return IntStream.range(0, 60);
  }

  /** Random indices against loops over the result. */
  @ParameterizedTest
  @MethodSource("seeds")
  void anyIndicesChooseWhatLoopsDo(int seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Tensor x = CentralDifferences.random(random, -2, 2, 3, 4, 2);
    List<Index> indices = new ArrayList<>();
    List<int[]> arrays = new ArrayList<>(); // for each axis the numbers, or null for a slice
    for (int axis = 0; axis < 3; axis++) {
      int size = x.dim(axis);
      boolean isArray = random.nextBoolean();
      int[] numbers = random.ints(3, 0, size).toArray();
      arrays.add(isArray ? numbers : null);
      indices.add(isArray ? Index.of(numbers) : Index.all());
    }
    Tensor found = x.slice(indices.toArray(Index[]::new));
    long count = arrays.stream().filter(array -> array != null).count();
    boolean first = arrays.get(0) != null || (count == 2 && arrays.get(1) == null);
    int at = count == 0 ? -1 : first ? 0 : arrays.get(1) != null ? 1 : 2;
    Tensor weights = CentralDifferences.random(random, -1, 1, found.shape());
    double[] expected = new double[x.size()];
    int[] shape = found.shape();
    for (int place = 0; place < found.size(); place++) {
      int[] index = unravelled(place, shape);
      int[] from = new int[3];
      int next = 0;
      for (int axis = 0; axis < 3; axis++) {
        next += next == at ? 1 : 0;
        from[axis] = arrays.get(axis) == null ? index[next++] : arrays.get(axis)[index[at]];
      }
      assertThat(found.get(index)).isEqualTo(x.get(from));
      expected[(from[0] * 4 + from[1]) * 2 + from[2]] += weights.get(index);
    }
    found.backward(weights);
    assertThat(x.grad().toDoubleArray()).isEqualTo(expected);
  }

  private static int[] unravelled(int place, int... shape) {
    int[] index = new int[shape.length];
    int rest = place;
    for (int axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = rest % shape[axis];
      rest /= shape[axis];
    }
    return index;
  }

  @Test
  void gradientsHaveGradients() {
    Tensor x = counted(2, 3).add(1).copy();
    Tensor y = x.slice(Index.of(0, 1, 0), Index.of(2, 1, 2)).pow(3).sum();
    Tensor first = Gradients.of(y, x).get(0);
    assertThat(first.toDoubleArray()).containsExactly(0, 0, 54, 0, 75, 0);
    assertThat(Gradients.of(first, x).get(0).toDoubleArray()).containsExactly(0, 0, 36, 0, 30, 0);
  }
}
