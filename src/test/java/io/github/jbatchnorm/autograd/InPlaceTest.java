package io.github.jbatchnorm.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.FailingMemory;
import io.github.jbatchnorm.memory.MemoryLimitException;
import io.github.jbatchnorm.memory.MemoryScope;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BiConsumer;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Operations in place as part of the graph: MyGrad's semantics. */
class InPlaceTest {
  private static Tensor of(double... values) {
    return Tensor.of(values);
  }

  private static void assertHolds(Tensor x, double... expected) {
    assertThat(x.toDoubleArray()).containsExactly(expected);
  }

  private static void assertGrad(Tensor x, double... expected) {
    assertThat(x.grad()).isNotNull();
    assertThat(x.grad().toDoubleArray()).containsExactly(expected);
  }

  @Test
  void aTensorBecomesTheResult() {
    Tensor x = of(1, 2);
    Tensor y = of(3, 5);
    assertThat(x.multiplyInPlace(y)).isSameAs(x);
    assertHolds(x, 3, 10);
    assertThat(x.creator().name()).isEqualTo("Multiply");
    x.square().backward();
    assertGrad(x, 6, 20); // of what it became
    assertGrad(y, 6, 40); // 2 x y times the old x
    assertThat(x.creator()).isNull();
  }

  @Test
  void everyOperationIsItsOwnInPlace() {
    Tensor y = of(2, 4);
    assertHolds(of(1, 2).addInPlace(y), 3, 6);
    assertHolds(of(1, 2).subtractInPlace(y), -1, -2);
    assertHolds(of(1, 2).multiplyInPlace(y), 2, 8);
    assertHolds(of(1, 2).divideInPlace(y), 0.5, 0.5);
    assertHolds(of(1, 2).powInPlace(y), 1, 16);
    assertHolds(of(1, 2).addInPlace(3), 4, 5);
    assertHolds(of(1, 2).subtractInPlace(3), -2, -1);
    assertHolds(of(1, 2).multiplyInPlace(3), 3, 6);
    assertHolds(of(1, 2).divideInPlace(2), 0.5, 1);
    assertHolds(of(1, 2).powInPlace(3), 1, 8);
    assertHolds(of(1, 2).set(7), 7, 7);
    Tensor x = of(1, 2);
    x.addInPlace(x).multiplyInPlace(x);
    assertHolds(x, 4, 16);
  }

  @Test
  void whatWasComputedBeforeKeepsTheOldValues() {
    Tensor x = of(1, 2);
    Tensor old = x.multiply(1);
    Tensor before = old.square(); // its gradient needs the old values
    old.multiplyInPlace(10);
    Tensor after = old.square();
    assertHolds(before, 1, 4);
    before.add(after).backward();
    assertGrad(x, 2 + 2 * 10 * 10, 4 + 2 * 20 * 10);
    assertGrad(old, 20, 40);
  }

  @Test
  void resultsThatGradientsNeedKeepTheOldValues() {
    Tensor x = of(1, 2);
    Tensor y = x.exp(); // whose gradient needs its own result
    y.set(0);
    Tensor z = y.add(x);
    z.backward();
    assertHolds(y, 0, 0);
    assertGrad(x, 1, 1);
    assertGrad(y, 1, 1);
    Tensor e = x.exp();
    Tensor twice = e.multiply(2);
    e.addInPlace(1);
    twice.backward();
    assertThat(x.grad().toDoubleArray()).containsExactly(x.exp().multiply(2).toDoubleArray());
  }

  @Test
  void viewsSeeTheChangeOfTheirBase() {
    Tensor x = of(1, 2, 3, 4);
    Tensor square = x.reshape(2, 2);
    Tensor row = square.slice(Index.at(1));
    Tensor three = row.multiply(3);
    x.multiplyInPlace(of(10, 100, 1000, 10_000));
    assertHolds(square, 10, 200, 3000, 40_000);
    assertHolds(row, 3000, 40_000);
    assertHolds(three, 9, 12);
    row.multiply(of(1, 2)).sum().add(three.sum()).backward();
    assertGrad(row, 1, 2);
    assertGrad(x, 0, 0, 1, 2);
    assertThat(square.grad()).isNull(); // the row is a part of x, not of it
  }

  @Test
  void aBaseSeesTheChangeOfItsViews() {
    Tensor x = of(1, 2, 3, 4);
    Tensor leaf = of(5, 7);
    Tensor view = x.slice(Index.range(1, 3));
    Tensor other = x.slice(Index.from(2));
    view.multiplyInPlace(leaf);
    assertHolds(x, 1, 10, 21, 4);
    assertHolds(view, 10, 21);
    assertHolds(other, 21, 4);
    x.square().sum().add(other.sum()).backward();
    assertGrad(x, 2, 20, 43, 9);
    assertGrad(leaf, 2 * 20, 3 * 43);
    assertGrad(other, 1, 1);
  }

  /** MyGrad's own example (docs/source/views.rst), and on. */
  @Test
  void aViewIsAPartOfItsBaseAfterTheChangeToo() {
    Tensor x = of(1, 2, 3, 4);
    Tensor y = x.slice(Index.to(2));
    y.multiplyInPlace(-1);
    assertHolds(x, -1, -2, 3, 4);
    x.square().backward();
    assertGrad(x, -2, -4, 6, 8);
    Tensor stale = y.square(); // as of any graph that lost a part
    assertThatThrownBy(stale::backward)
        .isInstanceOf(InvalidBackpropException.class)
        .hasMessage("Slice: the graph below input 0 was cleared by an earlier backward");
    y.addInPlace(5);
    x.addInPlace(1);
    assertHolds(x, 5, 4, 4, 5);
    assertHolds(y, 5, 4);
    x.update(storage -> storage.set(0, 9));
    assertHolds(y, 9, 4);
  }

  @Test
  void viewsOfWhatNoOneHasAnyMoreSeeEachOthersChanges() throws InterruptedException {
    Tensor[] views = viewsOfOne();
    for (int i = 0; i < 2; i++) { // their base may be collected, or not yet: either way
      System.gc();
      Thread.sleep(1);
    }
    views[0].multiplyInPlace(2);
    assertHolds(views[0], 2, 4, 6);
    assertHolds(views[1], 4, 6, 4);
    views[1].square().backward();
    assertGrad(views[1], 8, 12, 8);
  }

  private static Tensor[] viewsOfOne() {
    Tensor x = of(1, 2, 3, 4);
    Tensor[] views = {x.slice(Index.to(3)), x.slice(Index.from(1))};
    views[0].sum().add(views[1].sum()).backward();
    return views;
  }

  @Test
  void setPutsValuesWhereIndicesLead() {
    Tensor x = Tensor.of(new double[][] {{1, 2, 3}, {4, 5, 6}});
    Tensor v = of(10, 20);
    x.set(v, Index.all(), Index.at(1));
    assertHolds(x, 1, 10, 3, 4, 20, 6);
    x.multiply(Tensor.of(new double[][] {{1, 2, 3}, {4, 5, 6}})).backward();
    assertGrad(v, 2, 5);
    assertGrad(x, 1, 2, 3, 4, 5, 6);
    x.set(-1, Index.of(0, 1), Index.of(2, 0));
    assertHolds(x, 1, 10, -1, -1, 20, 6);
    x.set(0, Index.mask(x.greater(5)));
    assertHolds(x, 1, 0, -1, -1, 0, 0);
    x.set(of(7, 8, 9), Index.step(-1));
    assertHolds(x, 7, 8, 9, 7, 8, 9);
    x.set(Tensor.of(new double[][][] {{{5}}}), Index.at(0), Index.at(0));
    assertHolds(x, 5, 8, 9, 7, 8, 9);
    x.set(-0.0, Index.at(1), Index.at(2));
    assertThat(1 / x.get(1, 2)).isEqualTo(Double.NEGATIVE_INFINITY);
    x.set(3, Index.range(0, 0));
    assertHolds(x, 5, 8, 9, 7, 8, -0.0);
  }

  @Test
  void theOldValuesHaveAGradientWhereTheyStay() {
    Tensor x = of(1, 2, 3);
    Tensor y = x.square();
    y.set(Double.NaN, Index.at(1));
    y.set(of(5), Index.at(1));
    y.multiply(of(1, 10, 100)).backward();
    assertGrad(x, 2, 0, 600);
    assertGrad(y, 1, 10, 100);
  }

  /** As MyGrad's SetItem: the last one counts, and has the gradient. */
  @Test
  void ofRepeatedElementsTheLastOneCounts() {
    Tensor x = of(1, 2, 3);
    Tensor v = of(10, 20, 30);
    x.set(v, Index.of(2, 0, 2));
    assertHolds(x, 20, 2, 30);
    x.multiply(of(1, 2, 3)).backward();
    assertGrad(v, 0, 1, 3);
  }

  @Test
  void aScalarBroadcastsAndItsGradientIsSummed() {
    Tensor x = Tensor.of(new double[][] {{1, 2}, {3, 4}});
    Tensor v = Tensor.scalar(5);
    x.set(v, Index.at(0));
    x.addInPlace(v);
    x.multiply(Tensor.of(new double[][] {{1, 10}, {100, 1000}})).backward();
    assertHolds(x, 10, 10, 8, 9);
    assertGrad(v, 11 + 1111);
  }

  @Test
  void settingATensorDoesNotShareItsMemory() {
    Tensor x = of(1, 2);
    Tensor v = of(3, 4);
    x.set(v);
    x.update(storage -> storage.set(0, 9));
    assertHolds(v, 3, 4);
    v.set(x);
    assertHolds(v, 9, 4);
  }

  @Test
  void constantsStayConstant() {
    Tensor c = of(1, 2).asConstant();
    Tensor view = c.reshape(2, 1);
    Tensor x = of(3, 4);
    c.multiplyInPlace(x);
    c.set(x.reshape(2).slice(Index.at(1)), Index.at(0));
    assertHolds(c, 4, 8);
    assertHolds(view, 4, 8);
    assertThat(c.isConstant()).isTrue();
    assertThat(view.isConstant()).isTrue();
    Tensor product = x.multiply(c);
    c.set(0);
    product.backward();
    assertGrad(x, 4, 8);
  }

  @Test
  void shapeAndDtypeStay() {
    Tensor x = Tensor.of(new float[] {1, 2});
    Tensor y = of(0.1, 0.2);
    x.addInPlace(y);
    assertThat(x.dtype()).isEqualTo(DType.F32);
    x.set(y.add(1), Index.all());
    assertThat(x.toFloatArray()).containsExactly(1.1f, 1.2f);
    x.backward();
    assertThat(y.grad().dtype()).isEqualTo(DType.F64);
    assertThat(x.grad().dtype()).isEqualTo(DType.F32);
    Tensor h = Tensors.ones(DType.F16, 2).divideInPlace(3);
    assertThat(h.get(0)).isEqualTo(DType.F16.round(1 / 3.0));
    for (Tensor large : List.of(Tensors.ones(DType.F64, 2, 2), of(1, 2, 3))) {
      assertThatThrownBy(() -> x.addInPlace(large))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageMatching("other: shape \\(.*\\) does not broadcast to \\(2\\)");
      assertThatThrownBy(() -> x.set(large))
          .hasMessageMatching("value: shape \\(.*\\) does not broadcast to \\(2\\)");
    }
    assertThatThrownBy(() -> x.set(1, Index.at(2)))
        .hasMessage("indices: 2 is out of range for axis 0 of size 2");
    assertThat(x.toFloatArray()).containsExactly(1.1f, 1.2f);
  }

  @Test
  void withoutRecordingTheMemoryIsWritten() {
    Tensor w = of(1, 2);
    Tensor view = w.reshape(2, 1);
    Tensor shared = Tensor.variable(w.storage(), 2);
    Tensor square = w.square();
    w.square().sum().backward();
    try (NoAutodiff scope = NoAutodiff.scope()) {
      assertThat(scope).isNotNull();
      w.subtractInPlace(w.grad().multiply(0.25));
      w.set(5, Index.at(1));
    }
    assertHolds(w, 0.5, 5);
    assertHolds(view, 0.5, 5);
    assertHolds(shared, 0.5, 5);
    assertThat(w.isConstant()).isFalse();
    assertThatThrownBy(square::backward).isInstanceOf(InvalidBackpropException.class);
    w.square().backward();
    assertGrad(w, 1, 10);
  }

  @Test
  void gradientsCannotBeChanged() {
    Tensor x = of(1, 2);
    x.square().backward();
    Tensor grad = x.grad();
    for (Runnable change :
        List.<Runnable>of(
            () -> grad.addInPlace(1),
            () -> grad.set(1),
            () -> grad.reshape(2, 1).multiplyInPlace(2),
            () -> NoAutodiff.call(() -> grad.addInPlace(1)))) {
      assertThatThrownBy(change::run)
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("a gradient cannot be changed in place: copy it first");
    }
    assertHolds(grad, 2, 4);
    assertHolds(grad.copy().addInPlace(1), 3, 5);
  }

  @Test
  void gradientsAreForgottenAndGraphsAreDrawn() {
    Tensor x = of(1, 2);
    x.square().backward();
    x.addInPlace(1);
    assertThat(x.grad()).isNull();
    x.multiplyInPlace(2);
    assertThat(Graph.text(x))
        .isEqualTo(
            """
            %0 = Multiply(%1, %4): F64(2)
            %1 = Add(%2, %3): F64(2)
            %2: F64(2)
            %3: F64() constant
            %4: F64() constant
            """);
    assertThat(x.creator().inputs().get(0)).isNotSameAs(x);
  }

  @Test
  void aCheckpointWhoseParameterChangedThrows() {
    Tensor w = of(2, 3);
    Tensor x = of(1, 2);
    Tensor y = Checkpoint.of(t -> t.multiply(w), x, List.of(w));
    Tensor z = Checkpoint.of(t -> t.multiply(w), x, List.of(w));
    x.addInPlace(10); // which the block is given
    y.backward();
    assertThat(w.grad().toDoubleArray()).containsExactly(1, 2);
    w.addInPlace(1);
    assertThatThrownBy(z::backward)
        .isInstanceOf(InvalidBackpropException.class)
        .hasMessage(
            "Checkpoint: parameter 0 was changed in place since: the block would compute other than"
                + " before");
  }

  @Test
  void aCheckpointsBlockMayChangeWhatIsItsOwn() {
    Tensor x = of(2, 3);
    UnaryOperator<Tensor> block =
        t -> {
          Tensor own = t.multiply(1);
          Tensor view = own.slice(Index.from(1));
          view.multiplyInPlace(t.slice(Index.from(1)));
          return own.multiply(t);
        };
    Checkpoint.of(block, x, List.of()).backward();
    assertGrad(x, 4, 27); // of (x^2, x^3)
    Tensor first = Gradients.of(Checkpoint.of(block, x, List.of()), x).get(0);
    assertThat(Gradients.of(first, x).get(0).toDoubleArray()).containsExactly(2, 18);
  }

  @Test
  void inAScopeTheResultIsTheScopes() {
    Tensor x = of(1, 2);
    Tensor w = of(1, 2);
    Tensor view = w.reshape(2, 1);
    MemoryScope.run(
        () -> {
          x.addInPlace(1);
          NoAutodiff.call(() -> w.addInPlace(1));
          assertHolds(x, 2, 3);
        });
    assertThatThrownBy(x::toDoubleArray).isInstanceOf(IllegalStateException.class);
    assertHolds(w, 2, 3);
    assertHolds(view, 2, 3);
  }

  /** Where there is no memory for the result, nothing has changed. */
  @Test
  void aChangeThatFailsChangesNothing() {
    Tensor x = of(1, 2, 3);
    Tensor view = x.slice(Index.to(2));
    Tensor y = of(5, 7);
    for (int n = 1; n <= 2; n++) { // the product's memory, and the base's
      try (FailingMemory memory = new FailingMemory(n)) {
        assertThatThrownBy(() -> view.multiplyInPlace(y)).isInstanceOf(MemoryLimitException.class);
        assertThat(memory.asked()).isEqualTo(n);
      }
      assertHolds(x, 1, 2, 3);
      assertHolds(view, 1, 2);
    }
    view.multiplyInPlace(y);
    assertHolds(x, 5, 14, 3);
    x.backward();
    assertGrad(y, 1, 2);
  }

  @Test
  void gradientsOfGradientsGoThroughChanges() {
    Tensor x = of(2);
    Tensor y = x.multiply(1);
    y.multiplyInPlace(x).multiplyInPlace(x); // x^3
    Tensor first = Gradients.of(y, x).get(0);
    assertThat(first.item()).isEqualTo(12);
    assertThat(Gradients.of(first, x).get(0).item()).isEqualTo(12);
  }

  static IntStream seeds() {
    return IntStream.range(0, 200);
  }

  /**
   * Random programs that change a tensor, its slices and their slices, against the same programs
   * whose changes are of the whole tensor by masks, which has no views.
   */
  @ParameterizedTest
  @MethodSource("seeds")
  void changesOfViewsAreChangesOfParts(int seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Tensor a = CentralDifferences.random(random, 0.5, 2, 6);
    Tensor b = CentralDifferences.random(random, 0.5, 2, 6);
    Tensor x = a.multiply(1);
    Tensor whole = a.copy();
    Tensor other = b.copy();
    Tensor plain = whole.multiply(1);
    Tensor sum = Tensor.scalar(0).asConstant();
    Tensor plainSum = sum;
    int[] from = {0, 1, 2, 2, 0};
    int[] to = {6, 5, 6, 4, 3};
    Tensor[] views = {x, x.slice(Index.range(1, 5)), x.slice(Index.from(2)), null, null};
    views[3] = views[1].slice(Index.range(1, 3));
    views[4] = x.reshape(3, 2).reshape(6).slice(Index.to(3));
    List<BiConsumer<Tensor, Tensor>> inPlace =
        List.of(Tensor::addInPlace, Tensor::multiplyInPlace, (t, v) -> t.set(v.square()));
    List<BinaryOperator<Tensor>> pure =
        List.of(Tensor::add, Tensor::multiply, (t, v) -> v.square().broadcastTo(t.shape()));
    for (int step = 0; step < 8; step++) {
      int view = random.nextInt(views.length);
      Index part = Index.range(from[view], to[view]);
      if (random.nextInt(3) == 0) {
        sum = sum.add(views[view].square().sum());
        plainSum = plainSum.add(plain.slice(part).square().sum());
        continue;
      }
      int which = random.nextInt(inPlace.size());
      inPlace.get(which).accept(views[view], b.slice(part));
      Tensor changed = pure.get(which).apply(plain, other);
      boolean[] mask = new boolean[6];
      for (int i = from[view]; i < to[view]; i++) {
        mask[i] = true;
      }
      double[] numbers = IntStream.range(0, 6).mapToDouble(i -> mask[i] ? 1 : 0).toArray();
      plain = Tensors.where(of(numbers).asConstant(), changed, plain);
      for (int i = 0; i < views.length; i++) {
        assertHolds(views[i], plain.slice(Index.range(from[i], to[i])).toDoubleArray());
      }
    }
    sum.add(x.sin().sum()).add(views[3].exp().sum()).backward();
    plainSum.add(plain.sin().sum()).add(plain.slice(Index.range(2, 4)).exp().sum()).backward();
    for (int i = 0; i < 6; i++) {
      assertThat(a.grad().get(i))
          .isCloseTo(
              whole.grad().get(i), within(1e-9 * Math.max(1, Math.abs(whole.grad().get(i)))));
      double expected = other.grad() == null ? 0 : other.grad().get(i);
      assertThat(b.grad() == null ? 0 : b.grad().get(i))
          .isCloseTo(expected, within(1e-9 * Math.max(1, Math.abs(expected))));
    }
  }
}
