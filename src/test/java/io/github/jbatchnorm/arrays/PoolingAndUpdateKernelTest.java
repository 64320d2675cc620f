package io.github.jbatchnorm.arrays;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Pooling and optimizers' updates: native bits are Java's. */
@Tag("machine")
class PoolingAndUpdateKernelTest extends SameArrays {
  @Test
  void maxPoolingHasTheSameBitsAndPicks() {
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      for (Pooling shape :
          List.of(
              Pooling.of(new int[] {3, 2, 28, 28}, new int[] {2, 2}, new int[] {2, 2}),
              Pooling.of(new int[] {2, 9, 7}, new int[] {3, 3}, new int[] {1, 2}),
              Pooling.of(new int[] {2, 50}, new int[] {4}, new int[] {3}),
              Pooling.of(new int[] {2, 6, 5, 4}, new int[] {2, 3, 2}, new int[] {1, 1, 2}))) {
        Storage x = random(dtype, shape.planes * shape.plane());
        int outputs = size(shape.outShape());
        Storage dy = finite(dtype, outputs);
        PickedElements expectedPicks = new PickedElements(outputs);
        Storage expected = Storage.allocate(dtype, outputs);
        java.maxPool(shape, x, expected, expectedPicks);
        for (ArrayKernel kernel : natives()) {
          PickedElements picks = new PickedElements(outputs);
          Storage y = Storage.allocate(dtype, outputs);
          kernel.maxPool(shape, x, y, picks);
          assertThat(bits(y)).isEqualTo(bits(expected));
          assertThat(picks.toArray()).isEqualTo(expectedPicks.toArray());
        }
        same(x.length(), dtype, (kernel, dx) -> kernel.maxUnpool(shape, dy, expectedPicks, dx));
      }
    }
  }

  static Stream<Update> updates() {
    return Stream.of(
        new Update(Update.Rule.SGD, 0.1, 1e-4, 0, 0.9, 0, 0, 0, 0, false),
        new Update(Update.Rule.SGD, 0.1, 0, 0.01, 0.9, 0, 0, 0, 0, true),
        new Update(Update.Rule.ADAM, 0.1, 0, 0.01, 0.9, 0.999, 1e-8, 0.1, 0.001, false),
        new Update(Update.Rule.RMSPROP, 0.1, 0, 0, 0.5, 0.99, 1e-8, 0, 0, false));
  }

  @ParameterizedTest
  @MethodSource("updates")
  void updatesHaveTheSameBits(Update update) {
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      Storage parameter = finite(dtype, 20_011);
      Storage grad = finite(dtype, parameter.length());
      Storage one = finite(dtype, parameter.length());
      Storage two = Storage.allocate(dtype, parameter.length());
      List<Storage> expected = updated(java, update, List.of(parameter, grad, one, two));
      for (ArrayKernel kernel : natives()) {
        List<Storage> found = updated(kernel, update, List.of(parameter, grad, one, two));
        for (int i = 0; i < expected.size(); i++) {
          assertThat(bits(found.get(i))).isEqualTo(bits(expected.get(i)));
        }
      }
    }
  }

  private static List<Storage> updated(ArrayKernel kernel, Update update, List<Storage> given) {
    List<Storage> all = new ArrayList<>(given.stream().map(SameArrays::copy).toList());
    if (update.rule() == Update.Rule.SGD) {
      all.set(3, all.get(2));
    }
    kernel.update(update, all.get(0), all.get(1), all.get(2), all.get(3));
    return all;
  }

  @Test
  void picksOfAnotherPoolingAreRefused() {
    Pooling small = Pooling.of(new int[] {1, 4}, new int[] {2}, new int[] {2});
    Pooling large = Pooling.of(new int[] {1, 4000}, new int[] {2000}, new int[] {2000});
    Storage dy = finite(DType.F32, 2);
    Storage dx = Storage.allocate(DType.F32, 4);
    PickedElements picks = new PickedElements(2);
    for (ArrayKernel kernel : List.of(natives().get(0), java)) {
      assertThatThrownBy(() -> kernel.maxUnpool(small, dy, picks, dx))
          .hasMessageStartingWith("picks:");
      kernel.maxPool(large, finite(DType.F32, 4000), Storage.allocate(DType.F32, 2), picks);
      assertThatThrownBy(() -> kernel.maxUnpool(small, dy, picks, dx))
          .hasMessageStartingWith("picks:");
    }
  }
}
