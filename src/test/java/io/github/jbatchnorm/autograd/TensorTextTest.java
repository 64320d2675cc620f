package io.github.jbatchnorm.autograd;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.kernel.DType;
import org.junit.jupiter.api.Test;

/** Texts that NumPy 2 printed for the same arrays, with array in place of Tensor. */
class TensorTextTest {
  private static void check(Tensor x, String expected) {
    assertThat(x.toString().replace("Tensor(", "array(").replace("\n ", "\n")).isEqualTo(expected);
  }

  @Test
  void numbersHaveTheDigitsThatTellThemApart() {
    check(Tensor.of(new double[] {1, 0.5, 0.25}), "array([1.  , 0.5 , 0.25])");
    check(Tensor.of(new double[] {1, -2, 10}), "array([ 1., -2., 10.])");
    check(Tensor.of(new double[] {1.0 / 3, 2}), "array([0.33333333, 2.        ])");
    check(Tensor.of(new float[] {1f / 3, 0.1f}), "array([0.33333334, 0.1       ], dtype=float32)");
    check(Tensor.of(new double[] {0, -0.0}), "array([ 0., -0.])");
  }

  @Test
  void wideRangesHaveExponents() {
    check(Tensor.of(new double[] {1e-5, 1}), "array([1.e-05, 1.e+00])");
    check(Tensor.of(new double[] {1.5e10, -2}), "array([ 1.5e+10, -2.0e+00])");
    check(Tensor.of(new double[] {1e8}), "array([1.e+08])");
    check(Tensor.of(new double[] {12345.678}), "array([12345.678])");
  }

  @Test
  void specialNumbersAreAligned() {
    check(
        Tensor.of(new double[] {1, Double.NaN, Double.NEGATIVE_INFINITY}),
        "array([  1.,  nan, -inf])");
  }

  @Test
  void shapesAreNestedBrackets() {
    check(Tensor.scalar(5), "array(5.)");
    check(Tensors.zeros(DType.F64, 0), "array([], dtype=float64)");
    check(Tensors.zeros(DType.F32, 0, 3), "array([], shape=(0, 3), dtype=float32)");
    check(Tensors.arange(DType.F64, 0, 4, 1).reshape(2, 2), "array([[0., 1.],\n       [2., 3.]])");
    check(
        Tensors.arange(DType.F64, 0, 8, 1).reshape(2, 2, 2),
        "array([[[0., 1.],\n        [2., 3.]],\n\n       [[4., 5.],\n        [6., 7.]]])");
  }

  @Test
  void longLinesAreBrokenAndLargeArraysCut() {
    check(
        Tensors.arange(DType.F64, 0, 20, 1),
        "array([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12.,\n"
            + "       13., 14., 15., 16., 17., 18., 19.])");
    check(
        Tensors.arange(DType.F64, 0, 2000, 1),
        "array([0.000e+00, 1.000e+00, 2.000e+00, ..., 1.997e+03, 1.998e+03,\n"
            + "       1.999e+03], shape=(2000,))");
  }
}
