package io.github.jbatchnorm.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import io.github.jbatchnorm.nn.functional.Functions;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** MyGrad's semantics of tensors and backward, and where they are stricter here. */
class TapeTest {
  private static Tensor x() {
    return Tensor.of(new double[] {3, 4}, 2);
  }

  @Test
  void gradientsSumOverReuseInOneGraph() {
    Tensor x = x();
    x.multiply(x).add(x).backward();
    assertThat(x.grad().toDoubleArray()).containsExactly(7, 9);
  }

  @Test
  void eachBackwardSetsGradientsAnew() {
    Tensor x = x();
    x.multiply(2).backward();
    x.multiply(3).backward();
    assertThat(x.grad().toDoubleArray()).containsExactly(3, 3);
  }

  @Test
  void everyVariableOfTheGraphKeepsItsGradient() {
    Tensor x = x();
    Tensor y = x.multiply(x);
    Tensor z = y.multiply(2);
    z.backward();
    assertThat(z.grad().toDoubleArray()).containsExactly(1, 1);
    assertThat(y.grad().toDoubleArray()).containsExactly(2, 2);
    assertThat(x.grad().toDoubleArray()).containsExactly(12, 16);
  }

  @Test
  void seedBroadcastsToTheTensor() {
    Tensor x = Tensor.of(new double[] {1, 2, 3, 4, 5, 6}, 2, 3);
    x.multiply(1).backward(Tensor.of(new double[] {1, 2, 3}, 3));
    assertThat(x.grad().toDoubleArray()).containsExactly(1, 2, 3, 1, 2, 3);
    x.multiply(1).backward(5);
    assertThat(x.grad().toDoubleArray()).containsOnly(5);
  }

  @Test
  void seedOfALargerShapeIsRefusedAndNothingIsLost() {
    Tensor x = x();
    x.multiply(2).backward();
    Tensor before = x.grad();
    Tensor y = Functions.logSoftmax(x.asConstant()).add(1);
    assertThat(y.isConstant()).isTrue();
    Tensor z = before.add(x);
    assertThatThrownBy(() -> z.backward(Tensor.of(new double[] {1, 2, 3, 4}, 2, 2)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("seed: shape (2, 2) does not broadcast to (2)");
    z.backward();
    assertThat(x.grad().toDoubleArray()).containsExactly(1, 1);
  }

  @Test
  void backwardClearsTheGraph() {
    Tensor x = x();
    Tensor y = x.multiply(2);
    Operation creator = y.creator();
    assertThat(creator.inputs()).contains(x);
    y.backward();
    assertThat(y.creator()).isNull();
    assertThat(creator.inputs()).isEmpty();
  }

  @Test
  void clearedPartOfAGraphThrowsAndKeepsGradients() {
    Tensor x = x();
    Tensor y = x.multiply(2);
    Tensor z = y.multiply(3);
    y.backward();
    assertThatThrownBy(z::backward)
        .isInstanceOf(InvalidBackpropException.class)
        .hasMessageContaining("Multiply: the graph below input 0 was cleared");
    assertThat(x.grad().toDoubleArray()).containsExactly(2, 2);
  }

  @Test
  void clearedTensorThatIsUsedAgainIsALeaf() {
    Tensor x = x();
    Tensor y = x.multiply(2);
    y.backward();
    y.multiply(7).backward();
    assertThat(y.grad().toDoubleArray()).containsExactly(7, 7);
    assertThat(x.grad().toDoubleArray()).containsExactly(2, 2);
  }

  @Test
  void secondBackwardOfTheSameTensorIsOfALeaf() {
    Tensor x = x();
    Tensor y = x.multiply(2);
    y.backward();
    y.backward(5);
    assertThat(y.grad().toDoubleArray()).containsExactly(5, 5);
    assertThat(x.grad().toDoubleArray()).containsExactly(2, 2);
  }

  @Test
  void graphsThatShareALeafAreIndependent() {
    Tensor x = x();
    Tensor y = x.multiply(2);
    Tensor z = x.multiply(3);
    y.backward();
    z.backward();
    assertThat(x.grad().toDoubleArray()).containsExactly(3, 3);
  }

  @Test
  void gradientIsForgottenWhenAVariableEntersANewGraph() {
    Tensor x = x();
    x.multiply(2).backward();
    Tensor y = x.multiply(3);
    assertThat(x.grad()).isNull();
    assertThat(y.grad()).isNull();
  }

  @Test
  void nullGradForgetsOneGradient() {
    Tensor x = x();
    Tensor y = x.multiply(2);
    y.backward();
    x.nullGrad();
    assertThat(x.grad()).isNull();
    assertThat(y.grad()).isNotNull();
  }

  @Test
  void constantsGetNoGradientAndMakeConstants() {
    Tensor x = x();
    Tensor c = x().asConstant();
    Tensor both = c.multiply(c);
    assertThat(both.isConstant()).isTrue();
    both.backward();
    assertThat(both.grad()).isNull();
    x.multiply(both).backward();
    assertThat(x.grad().toDoubleArray()).containsExactly(9, 16);
    assertThat(c.grad()).isNull();
  }

  @Test
  void constantResultsDoNotHoldWhatTheyWereComputedFrom() {
    Tensor c = x().asConstant();
    Tensor y = c.multiply(2);
    assertThat(y.creator()).isNotNull();
    assertThat(y.creator().inputs()).isEmpty();
    x().multiply(y).backward();
    y.backward();
    assertThat(y.creator()).isNotNull(); // a constant is in no graph that could be cleared
    assertThat(c.creator()).isNull();
    assertThat(NoAutodiff.call(() -> x().multiply(2)).creator()).isNull();
  }

  @Test
  void integersAreConstantAndF64() {
    Tensor x = Tensor.ofInts(new int[] {1, 2}, 2);
    assertThat(x.isConstant()).isTrue();
    assertThat(x.dtype()).isEqualTo(DType.F64);
  }

  @Test
  void nothingIsRecordedInANoAutodiffScope() {
    Tensor x = x();
    x.multiply(2).backward();
    try (NoAutodiff outer = NoAutodiff.scope()) {
      assertThat(outer).isNotNull();
      try (NoAutodiff inner = NoAutodiff.scope()) {
        assertThat(inner).isNotNull();
      }
      Tensor y = x.multiply(2);
      assertThat(y.creator()).isNull();
      assertThat(y.isConstant()).isTrue();
      assertThatThrownBy(y::backward).isInstanceOf(InvalidBackpropException.class);
    }
    assertThat(x.grad()).isNotNull();
    assertThat(x.multiply(2).creator()).isNotNull();
  }

  @Test
  void noAutodiffIsOfOneThread() throws Exception {
    try (NoAutodiff scope = NoAutodiff.scope()) {
      assertThat(scope).isNotNull();
      assertThat(CompletableFuture.supplyAsync(NoAutodiff::isRecording).get()).isTrue();
      assertThat(NoAutodiff.isRecording()).isFalse();
    }
  }

  @Test
  void mixedDtypesPromoteAndEachGradientHasItsVariablesDtype() {
    Tensor x = Tensor.of(new float[] {2}, 1);
    Tensor y = Tensor.of(new double[] {3}, 1);
    Tensor z = x.multiply(y);
    z.backward();
    assertThat(z.dtype()).isEqualTo(DType.F64);
    assertThat(x.grad().dtype()).isEqualTo(DType.F32);
    assertThat(y.grad().dtype()).isEqualTo(DType.F64);
    assertThat(x.multiply(2).dtype()).isEqualTo(DType.F32);
  }

  @Test
  void dataChangedBetweenForwardAndBackwardThrowsAndKeepsGradients() {
    Tensor x = x();
    Tensor y = x.multiply(x);
    x.update(storage -> storage.set(0, 100));
    assertThatThrownBy(y::backward)
        .isInstanceOf(InvalidBackpropException.class)
        .hasMessage(
            "Multiply: input 0 of shape (2) was changed in place between forward and"
                + " backward");
    assertThat(x.grad()).isNull();
  }

  @Test
  void changeThroughAReshapedViewIsSeen() {
    Tensor x = x();
    Tensor flat = x.reshape(1, 2);
    Tensor y = x.exp();
    flat.update(storage -> storage.set(0, 100));
    assertThatThrownBy(y::backward).isInstanceOf(InvalidBackpropException.class);
  }

  @Test
  void changedOutputThrows() {
    Tensor x = x();
    Tensor y = x.exp();
    y.update(storage -> storage.set(0, 100));
    assertThatThrownBy(y::backward)
        .isInstanceOf(InvalidBackpropException.class)
        .hasMessageContaining("Exp: output");
  }

  @Test
  void gradientCannotBeChangedInPlace() {
    Tensor x = x();
    x.multiply(2).backward();
    assertThatThrownBy(() -> x.grad().update(storage -> storage.set(0, 1)))
        .isInstanceOf(IllegalStateException.class);
    Tensor own = x.grad().copy();
    own.update(storage -> storage.set(0, 1));
    assertThat(own.get(0)).isEqualTo(1);
  }

  @Test
  void graphMayBeVeryDeep() {
    Tensor x = x();
    Tensor y = x;
    for (int i = 0; i < 100_000; i++) {
      y = y.add(1);
    }
    y.backward();
    assertThat(x.grad().toDoubleArray()).containsExactly(1, 1);
  }

  /** An operation that a user may write: the third power, with a gradient that may be broken. */
  private static final class Cube extends Operation {
    private final boolean broken;

    Cube(Tensor x, boolean broken) {
      super(x);
      this.broken = broken;
    }

    @Override
    protected Tensor forward() {
      return input(0).multiply(input(0)).multiply(input(0));
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return broken
          ? grad.reshape(1, 2, 1)
          : grad.multiply(input(0)).multiply(input(0)).multiply(3);
    }
  }

  @Test
  void usersMayWriteOperations() {
    Tensor x = x();
    new Cube(x, false).apply().backward();
    assertThat(x.grad().toDoubleArray()).containsExactly(27, 48);
  }

  @Test
  void backwardThatFailedWorksOnceItsCauseIsGone() {
    Tensor x = Tensors.ones(DType.F32, 1, 1, 3, 3);
    Tensor filters = Tensors.ones(DType.F32, 1, 1, 2, 2);
    ConvOptions options = ConvOptions.DEFAULT;
    boolean[] broken = {true};
    Tensor below =
        new Operation(x) {
          @Override
          protected Tensor forward() {
            return input(0).copy().asConstant();
          }

          @Override
          protected Tensor backward(int input, Tensor grad) {
            if (broken[0]) {
              throw new IllegalStateException("broken");
            }
            return grad;
          }
        }.apply();
    Tensor y = Functions.convRelu(below, filters, null, options);
    Tensor seed = Tensors.ones(DType.F32, 1, 1, 2, 2).asConstant();
    assertThatThrownBy(() -> y.backward(seed)).hasMessage("broken");
    broken[0] = false;
    y.backward(seed);
    assertThat(x.grad().toDoubleArray()).containsExactly(1, 2, 1, 2, 4, 2, 1, 2, 1);
    assertThat(filters.grad().toDoubleArray()).containsOnly(4);
  }

  @Test
  void checkpointsNest() {
    Tensor x = x();
    Tensor weight = Tensor.of(new double[] {2, 5}, 2);
    Tensor y =
        Checkpoint.of(
            outer ->
                Checkpoint.of(inner -> inner.multiply(weight).exp(), outer, List.of(weight))
                    .multiply(outer),
            x,
            List.of(weight));
    y.backward();
    double[] dx = x.grad().toDoubleArray();
    double[] dWeight = weight.grad().toDoubleArray();
    x.multiply(weight).exp().multiply(x).backward();
    assertThat(dx).isEqualTo(x.grad().toDoubleArray());
    assertThat(dWeight).isEqualTo(weight.grad().toDoubleArray());
  }

  @Test
  void inputsOfACheckpointThatDependOnEachOtherCountOnce() {
    Tensor x = x();
    Tensor weight = x.multiply(3);
    Tensor scale = weight.exp();
    UnaryOperator<Tensor> block = in -> in.multiply(weight).multiply(scale).multiply(x);
    block.apply(x).backward();
    double[] expected = x.grad().toDoubleArray();
    Tensor again = x();
    Tensor weight2 = again.multiply(3);
    Tensor scale2 = weight2.exp();
    Checkpoint.of(
            in -> in.multiply(weight2).multiply(scale2).multiply(again),
            again,
            List.of(weight2, scale2, again, weight2))
        .backward();
    assertThat(again.grad().toDoubleArray()).isEqualTo(expected);
  }

  @Test
  void gradientsOfACheckpointHaveGradients() {
    Tensor x = x();
    Tensor y = Checkpoint.of(in -> in.multiply(in).multiply(in), x, List.of());
    Tensor first = Gradients.of(y, x).get(0);
    Tensor second = Gradients.of(first, x).get(0);
    assertThat(first.toDoubleArray()).containsExactly(27, 48);
    assertThat(second.toDoubleArray()).containsExactly(18, 24);
    second.backward();
    assertThat(x.grad().toDoubleArray()).containsExactly(6, 6);
  }

  @Test
  void gradientOfAWrongShapeIsRefused() {
    Tensor x = x();
    Tensor y = new Cube(x, true).apply();
    assertThatThrownBy(y::backward).isInstanceOf(IllegalArgumentException.class);
  }
}
