package io.github.jbatchnorm.autograd;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;

/** An operation with the shapes of its inputs, whose elements are drawn from a range. */
record ComplexStepCase(
    String name,
    Function<List<Tensor>, Tensor> operation,
    Formula formula,
    double low,
    double high,
    boolean exact,
    List<int[]> shapes) {
  @Override
  public String toString() {
    return name;
  }

  List<Tensor> inputs() {
    SplittableRandom random = new SplittableRandom(name.hashCode());
    List<Tensor> inputs = new ArrayList<>();
    for (int[] shape : shapes) {
      int size = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
      double[] values = new double[size];
      for (int i = 0; i < size; i++) {
        values[i] = exact ? random.nextInt(-9, 10) : random.nextDouble(low, high);
      }
      inputs.add(Tensor.of(values, shape));
    }
    return inputs;
  }

  /** What an operation computes, in complex numbers, row-major. */
  @FunctionalInterface
  interface Formula {
    Complex[] apply(List<Complex[]> inputs);
  }

  static ComplexStepCase caseOf(
      String name,
      Function<List<Tensor>, Tensor> operation,
      Formula formula,
      double low,
      double high,
      boolean exact,
      int[]... shapes) {
    return new ComplexStepCase(name, operation, formula, low, high, exact, List.of(shapes));
  }

  static int[] shape(int... sizes) {
    return sizes;
  }
}
