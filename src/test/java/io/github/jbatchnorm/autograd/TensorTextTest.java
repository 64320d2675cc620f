package io.github.jbatchnorm.autograd;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.memory.DType;
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
  void digitsPastTheFewestAreThoseOfTheExactNumber() {
    check(
        Tensor.of(new float[] {0x1.4fa5eap-17f, 0x1.48c2c0p-17f}),
        "array([1.0003093e-05, 9.7978336e-06], dtype=float32)");
    check(Tensor.of(new float[] {-0x1.172514p-4f}), "array([-0.06815059], dtype=float32)");
    check(Tensor.of(new float[] {0x1.772f56p-7f}), "array([0.01144973], dtype=float32)");
    check(Tensor.of(new double[] {1, 0x1p-14}), "array([1.00000000e+00, 6.10351562e-05])");
    check(Tensor.of(new double[] {1234567.125, 2}), "array([1.23456712e+06, 2.00000000e+00])");
    check(
        Tensor.of(new float[] {-0x1.20d9bap+18f, 1.5e-5f}),
        "array([-2.957829e+05,  1.500000e-05], dtype=float32)");
    check(
        Tensor.of(new float[] {16777216, 16777218}),
        "array([1.6777216e+07, 1.6777218e+07], dtype=float32)");
  }

  @Test
  void exponentsAreOfOneWidthAndBeginWhereTheDtypeEnds() {
    check(Tensor.of(new double[] {1e100, 1}), "array([1.e+100, 1.e+000])");
    check(Tensor.of(new double[] {0, 1e-300}), "array([0.e+000, 1.e-300])");
    check(Tensor.of(new double[] {Double.MIN_VALUE}), "array([5.e-324])");
    check(Tensor.of(new double[] {Double.MAX_VALUE}), "array([1.79769313e+308])");
    check(Tensor.of(new float[] {2e6f, 3e6f}), "array([2.e+06, 3.e+06], dtype=float32)");
    check(Tensor.of(new float[] {1e-4f}), "array([0.0001], dtype=float32)");
    check(
        Tensor.of(new float[] {100000, 123456, 999999}),
        "array([100000., 123456., 999999.], dtype=float32)");
    check(Tensor.of(new float[] {1000, 0.999f}), "array([1.00e+03, 9.99e-01], dtype=float32)");
    check(
        Tensor.of(new double[] {1.5, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 1e9}),
        "array([1.5e+00,     inf,    -inf, 1.0e+09])");
  }

  @Test
  void halvesHaveTheirOwnDigits() {
    check(Tensors.full(DType.F16, 0.1, 3), "array([0.1, 0.1, 0.1], dtype=float16)");
    check(
        Tensor.of(new double[] {1.0 / 3, 2.0 / 3}).astype(DType.F16),
        "array([0.3333, 0.6665], dtype=float16)");
    check(
        Tensor.of(new double[] {2048, 1}).astype(DType.F16),
        "array([2.048e+03, 1.000e+00], dtype=float16)");
  }

  @Test
  void whatTheLineHasNoRoomForGoesToTheNext() {
    check(
        Tensors.arange(DType.F32, 0, 11, 1),
        "array([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10.],\n      dtype=float32)");
    check(
        Tensors.ones(DType.F32, 2, 9),
        "array([[1., 1., 1., 1., 1., 1., 1., 1., 1.],\n"
            + "       [1., 1., 1., 1., 1., 1., 1., 1., 1.]], dtype=float32)");
    check(
        Tensors.arange(DType.F32, 0, 2000, 1),
        "array([0.000e+00, 1.000e+00, 2.000e+00, ..., 1.997e+03, 1.998e+03,\n"
            + "       1.999e+03], shape=(2000,), dtype=float32)");
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
