package io.github.jbatchnorm.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.net.URL;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Gradients in f64 against the complex step, Im f(x + ih) / h, which has no cancellation, so that
 * its error is that of f's own arithmetic (Squire and Trapp, 1998); of linear operations on whole
 * numbers it is exact, and compared bit by bit.
 */
class ComplexStepTest {
  /** A power of two: dividing by it changes nothing. */
  private static final double STEP = 0x1p-300;

  private static final double TOLERANCE = 1e-14;

  static Stream<ComplexStepCase> elementwise() {
    return Stream.concat(ElementwiseSteps.elementwise(), ElementwiseSteps.inverses());
  }

  static Stream<ComplexStepCase> cases() {
    return Stream.of(
            elementwise(),
            ElementwiseSteps.ofTwo(),
            ElementwiseSteps.rearrangements(),
            LayerSteps.sums(),
            LayerSteps.layers())
        .flatMap(cases -> cases);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void gradientIsThatOfTheComplexStep(ComplexStepCase c) {
    List<Tensor> inputs = c.inputs();
    Tensor y = c.operation().apply(inputs);
    SplittableRandom random = new SplittableRandom(7);
    double[] seed = IntStream.range(0, y.size()).mapToDouble(i -> random.nextInt(-4, 5)).toArray();
    assertThat(c.formula().apply(complex(inputs, -1, 0)).length).isEqualTo(y.size());
    y.backward(Tensor.of(seed).reshape(y.shape()).asConstant());
    for (int i = 0; i < inputs.size(); i++) {
      double[] found = inputs.get(i).grad().toDoubleArray();
      for (int at = 0; at < found.length; at++) {
        Complex[] stepped = c.formula().apply(complex(inputs, i, at));
        double expected = 0;
        double scale = 0;
        for (int j = 0; j < seed.length; j++) {
          double part = seed[j] * stepped[j].im() / STEP;
          expected += part;
          scale += Math.abs(part);
        }
        assertThat(found[at])
            .as("input %d, element %d", i, at)
            .isCloseTo(expected, within(c.exact() ? 0 : TOLERANCE * Math.max(1, scale)));
      }
    }
  }

  /** Returns the inputs as complex numbers, one element with a step in the imaginary direction. */
  private static List<Complex[]> complex(List<Tensor> inputs, int input, int element) {
    List<Complex[]> all = new ArrayList<>();
    for (int i = 0; i < inputs.size(); i++) {
      double[] values = inputs.get(i).toDoubleArray();
      Complex[] numbers = new Complex[values.length];
      for (int at = 0; at < values.length; at++) {
        numbers[at] = new Complex(values[at], i == input && at == element ? STEP : 0);
      }
      all.add(numbers);
    }
    return all;
  }

  @ParameterizedTest
  @MethodSource("elementwise")
  void nanStaysInItsElement(ComplexStepCase c) {
    double[] values = c.inputs().get(0).toDoubleArray();
    Tensor clean = Tensor.of(values);
    c.operation().apply(List.of(clean)).backward();
    double[] broken = values.clone();
    broken[1] = Double.NaN;
    Tensor x = Tensor.of(broken);
    Tensor y = c.operation().apply(List.of(x));
    assertThat(y.get(1)).isNaN();
    y.backward();
    for (int i = 0; i < values.length; i++) {
      if (i != 1) {
        assertThat(x.grad().get(i)).isEqualTo(clean.grad().get(i));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("elementwise")
  void emptyTensorsHaveEmptyGradients(ComplexStepCase c) {
    Tensor x = Tensor.of(new double[0], 3, 0, 2);
    Tensor y = c.operation().apply(List.of(x));
    assertThat(y.shape()).containsExactly(3, 0, 2);
    y.backward();
    assertThat(x.grad().shape()).containsExactly(3, 0, 2);
  }

  /** Every operation of the library occurs in these graphs, or in those of its gradients. */
  @Test
  void everyOperationIsCompared() {
    Set<String> seen = new TreeSet<>();
    Stream.concat(cases(), LayerSteps.others())
        .forEach(
            c -> {
              List<Tensor> inputs = c.inputs();
              Tensor y = c.operation().apply(inputs);
              collect(y, seen);
              List<Tensor> variables = inputs.stream().filter(x -> !x.isConstant()).toList();
              Gradients.of(y, Tensor.of(new double[] {1.5}).asConstant().squeeze(), variables)
                  .forEach(gradient -> collect(gradient, seen));
            });
    seen.add(Checkpoint.class.getSimpleName()); // TapeTest
    Set<String> all = new TreeSet<>();
    URL library = Operation.class.getProtectionDomain().getCodeSource().getLocation();
    for (JavaClass type : new ClassFileImporter().importUrl(library)) {
      if (type.isAssignableTo(Operation.class)
          && !type.getModifiers().contains(JavaModifier.ABSTRACT)) {
        all.add(type.getSimpleName());
      }
    }
    assertThat(seen).isEqualTo(all);
  }

  private static void collect(Tensor root, Set<String> seen) {
    Deque<Tensor> left = new ArrayDeque<>(List.of(root));
    Set<Tensor> visited = Collections.newSetFromMap(new IdentityHashMap<>());
    while (!left.isEmpty()) {
      Operation creator = left.pop().creator();
      if (creator != null) {
        seen.add(creator.getClass().getSimpleName());
        creator.inputs().stream().filter(visited::add).forEach(left::push);
      }
    }
  }
}
