package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.Shapes;

/** Elements along an axis by an array of their numbers; the array's axes are in place of it. */
final class IntegerIndex implements Index {
  final int[] numbers;
  final int[] shape;

  IntegerIndex(int[] numbers, int... shape) {
    this.numbers = numbers.clone();
    this.shape = shape.clone();
    if (Shapes.size(shape) != numbers.length) {
      throw new IllegalArgumentException(
          "shape: %s has %s elements, there are %s numbers"
              .formatted(Shapes.text(shape), Shapes.size(shape), numbers.length));
    }
  }

  @Override
  public String toString() {
    return "IntegerIndex" + Shapes.text(numbers) + "[shape=" + Shapes.text(shape) + "]";
  }
}
