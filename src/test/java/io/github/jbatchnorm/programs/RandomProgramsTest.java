package io.github.jbatchnorm.programs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.autograd.Complex;
import io.github.jbatchnorm.autograd.Gradients;
import io.github.jbatchnorm.autograd.InvalidBackpropException;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.MemoryScope;
import io.github.jbatchnorm.memory.MemoryUse;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.GenerationMode;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/**
 * Random programs of the library's operations against an oracle that knows their definitions alone:
 * what each step computes, gradients by the complex step, gradients of gradients by differences of
 * it. A program that fails is made as short as it can be, and printed.
 *
 * <p>More of them: {@code mvn test -Dtest=RandomProgramsTest -Djqwik.tries.default=100000}; others:
 * {@code -Djbatchnorm.test.seed=2}.
 */
class RandomProgramsTest {
  private static final double STEP = 0x1p-300;

  @Provide
  Arbitrary<int[]> choices() {
    int seed = Integer.getInteger("jbatchnorm.test.seed", 0) * 40503;
    return Arbitraries.integers()
        .between(0, Choices.MOST - 1)
        .map(number -> (number + seed) & (Choices.MOST - 1))
        .array(int[].class)
        .ofMinSize(2)
        .ofMaxSize(90);
  }

  @Property(seed = "17", generation = GenerationMode.RANDOMIZED, edgeCases = EdgeCasesMode.NONE)
  void computesWhatTheOracleDoes(@ForAll("choices") int[] choices) {
    Program program = Program.of(choices);
    MemoryUse before = MemoryUse.now();
    MemoryScope.run(() -> new Check(program, choices.length).run());
    assertThat(MemoryUse.now().inUse()).isLessThanOrEqualTo(before.inUse());
  }

  /** One program, and how far its numbers may be off. */
  private static final class Check {
    private final Program program;
    private final List<double[]> direction = new ArrayList<>();
    private final List<double[]> other = new ArrayList<>();
    private final double error;

    Check(Program program, int seed) {
      this.program = program;
      this.error = program.isCoarse() ? 0x1p-24 : 0x1p-53;
      SplittableRandom random = new SplittableRandom(seed);
      for (int leaf : program.leaves) {
        direction.add(random.doubles(program.value(leaf).size(), -1, 1).toArray());
        other.add(random.doubles(program.value(leaf).size(), -1, 1).toArray());
      }
    }

    void run() {
      List<Tensor> leaves = program.tensors();
      List<Tensor> nodes = forward(leaves);
      Tensor loss = program.loss(nodes);
      boolean changed = program.steps() % 8 == 7 && leaves.get(0).size() > 0;
      if (changed) {
        leaves.get(0).update(storage -> storage.set(0, 5));
      }
      List<Tensor> second;
      try {
        second = secondOrder(loss, leaves);
        loss.backward();
      } catch (InvalidBackpropException e) {
        assertThat(program.isOverwriting || changed).as(program.toString()).isTrue();
        assertThat(e).hasMessageContaining("changed in place");
        return;
      }
      List<Tensor> first = leaves.stream().map(Tensor::grad).toList();
      checkFirst(first);
      if (!program.isCoarse() && !second.isEmpty()) {
        checkSecond(second);
      }
    }

    private List<Tensor> forward(List<Tensor> leaves) {
      List<Tensor> nodes = new ArrayList<>();
      List<Value> off = program.values(program.leaves(direction, Complex.of(0)), error);
      program.run(
          leaves,
          (node, tensor) -> {
            nodes.add(tensor);
            checkNode(node, tensor, off.get(node));
          });
      return nodes;
    }

    /** Compares at once: what comes next may write over it. */
    private void checkNode(int node, Tensor tensor, Value off) {
      Value value = program.value(node);
      assertThat(tensor.shape())
          .as(() -> "%%%d of %s".formatted(node, program))
          .isEqualTo(value.shape());
      assertThat(tensor.dtype())
          .as(() -> "%%%d of %s".formatted(node, program))
          .isEqualTo(program.dtype(node));
      double largest = 1;
      double apart = 0;
      for (int i = 0; i < value.size(); i++) {
        largest = Math.max(largest, Math.abs(value.at(i).re()));
        apart = Math.max(apart, Math.abs(value.at(i).re() - off.at(i).re()));
      }
      double tolerance = tolerance(largest, apart);
      for (int i = 0; i < value.size(); i++) {
        int element = i;
        assertThat(tensor.storage().get(i))
            .as(() -> "element %d of %%%d of %s".formatted(element, node, program))
            .isCloseTo(value.at(i).re(), within(tolerance));
      }
    }

    private double tolerance(double scale, double apart) {
      return (1e3 * error + 1e-10) * scale + 300 * apart;
    }

    private double derivative(List<Value> leaves, double relativeError) {
      return program.loss(leaves, relativeError).im() / STEP;
    }

    private double derivative(double relativeError) {
      return derivative(program.leaves(direction, new Complex(0, STEP)), relativeError);
    }

    private void checkFirst(List<Tensor> gradients) {
      double expected = derivative(0);
      double apart = Math.abs(derivative(error) - expected);
      assertThat(along(direction, gradients))
          .as(() -> "gradient of %s%nwhich is %s".formatted(program, texts(gradients)))
          .isCloseTo(expected, within(tolerance(scale(direction, gradients), apart)));
    }

    /** The gradients of the first ones' sum along a direction, where there are some. */
    private List<Tensor> secondOrder(Tensor loss, List<Tensor> leaves) {
      List<Tensor> gradients = Gradients.of(loss, leaves.toArray(Tensor[]::new));
      Tensor sum = Tensor.scalar(0).asConstant();
      for (int i = 0; i < gradients.size(); i++) {
        Tensor along = Tensor.of(direction.get(i)).reshape(gradients.get(i).shape()).asConstant();
        sum = sum.add(gradients.get(i).multiply(along).sum());
      }
      return sum.isConstant() ? List.of() : Gradients.of(sum, leaves.toArray(Tensor[]::new));
    }

    private void checkSecond(List<Tensor> second) {
      double step = 1e-5;
      double above = derivative(moved(step), 0);
      double below = derivative(moved(-step), 0);
      assertThat(along(other, second))
          .as(() -> "gradient of the gradient of %s%nwhich is %s".formatted(program, texts(second)))
          .isCloseTo(
              (above - below) / (2 * step),
              within(1e-5 * (scale(other, second) + Math.abs(above))));
    }

    private List<Value> moved(double by) {
      List<Value> straight = program.leaves(other, Complex.of(by));
      List<Value> moved = new ArrayList<>();
      for (int leaf = 0; leaf < straight.size(); leaf++) {
        Value from = straight.get(leaf);
        double[] along = direction.get(leaf);
        Complex[] elements = new Complex[from.size()];
        Arrays.setAll(elements, i -> from.at(i).plus(new Complex(0, STEP * along[i])));
        moved.add(new Value(from.shape(), elements));
      }
      return moved;
    }

    private static double along(List<double[]> direction, List<Tensor> gradients) {
      return sum(direction, gradients, x -> x);
    }

    /** What rounding is relative to. */
    private static double scale(List<double[]> direction, List<Tensor> gradients) {
      return 1 + sum(direction, gradients, Math::abs);
    }

    private static double sum(
        List<double[]> direction, List<Tensor> gradients, DoubleUnaryOperator f) {
      double sum = 0;
      for (int leaf = 0; leaf < direction.size(); leaf++) {
        Tensor gradient = gradients.get(leaf);
        for (int i = 0; gradient != null && i < gradient.size(); i++) {
          sum += f.applyAsDouble(direction.get(leaf)[i] * gradient.storage().get(i));
        }
      }
      return sum;
    }

    private static String texts(List<Tensor> gradients) {
      return gradients.stream().map(String::valueOf).toList().toString();
    }
  }
}
