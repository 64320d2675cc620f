package io.github.jbatchnorm.autograd;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import io.github.jbatchnorm.nn.functional.Functions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Products and convolutions of 16 bits, and their gradients: what f32 gives for the same numbers,
 * rounded once.
 */
class SixteenBitProductsTest {
  private record Case(Function<List<Tensor>, Tensor> operation, List<int[]> shapes) {}

  private static final Map<String, Case> CASES = new LinkedHashMap<>();

  private static void put(String name, Function<List<Tensor>, Tensor> operation, int[]... shapes) {
    CASES.put(name, new Case(operation, List.of(shapes)));
  }

  private static int[] shape(int... sizes) {
    return sizes;
  }

  static {
    ConvOptions options = ConvOptions.DEFAULT.withStride(2).withPadding(1).withGroups(2);
    put("matmul", in -> in.get(0).matmul(in.get(1)), shape(2, 5, 7), shape(7, 4));
    put("transposed", in -> in.get(0).matmul(in.get(1), true, true), shape(7, 5), shape(4, 7));
    put("vectors", in -> in.get(0).matmul(in.get(1)), shape(9), shape(9));
    put(
        "dense",
        in -> Functions.dense(in.get(0), in.get(1), in.get(2)),
        shape(5, 7),
        shape(4, 7),
        shape(4));
    put(
        "einsum",
        in -> Tensors.einsum("ij,jk,kl->il", in.get(0), in.get(1), in.get(2)),
        shape(3, 4),
        shape(4, 5),
        shape(5, 2));
    put(
        "conv",
        in -> Functions.conv(in.get(0), in.get(1), in.get(2), options),
        shape(2, 4, 6, 5),
        shape(6, 2, 3, 3),
        shape(6));
    put(
        "conv of four dimensions",
        in -> Functions.conv(in.get(0), in.get(1), in.get(2), ConvOptions.DEFAULT),
        shape(1, 2, 3, 3, 3, 3),
        shape(2, 2, 2, 2, 2, 2),
        shape(2));
    put("avgPool", in -> Functions.avgPool(in.get(0), shape(3, 2), shape(1, 2)), shape(2, 3, 6, 6));
    put("maxPool", in -> Functions.maxPool(in.get(0), shape(3, 2), shape(1, 2)), shape(2, 3, 6, 6));
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16"})
  void valuesAndGradientsAreRoundedOnce(DType dtype) {
    CASES.forEach(
        (name, c) -> {
          SplittableRandom random = new SplittableRandom(name.hashCode());
          List<Tensor> narrow = new ArrayList<>();
          c.shapes.forEach(s -> narrow.add(Tensors.uniform(dtype, random, -2, 2, s)));
          List<Tensor> wide = new ArrayList<>();
          narrow.forEach(x -> wide.add(x.asConstant().astype(DType.F32).copy()));
          wide.replaceAll(x -> Tensor.variable(x.storage(), x.shape()));
          Tensor y = c.operation.apply(narrow);
          Tensor expected = c.operation.apply(wide);
          assertSame(name, y, expected, dtype);
          Tensor seed = Tensors.uniform(dtype, random, -1, 1, y.shape()).asConstant();
          y.backward(seed);
          expected.backward(seed.astype(DType.F32));
          for (int i = 0; i < narrow.size(); i++) {
            assertSame(name + ", input " + i, narrow.get(i).grad(), wide.get(i).grad(), dtype);
          }
        });
  }

  private static void assertSame(String what, Tensor found, Tensor wide, DType dtype) {
    assertThat(found.dtype()).as(what).isEqualTo(dtype);
    assertThat(found.shape()).as(what).isEqualTo(wide.shape());
    assertThat(found.toDoubleArray())
        .as(what)
        .isEqualTo(wide.asConstant().astype(dtype).toDoubleArray());
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16"})
  void reluInTheSamePassSeesTheRoundedSum(DType dtype) {
    SplittableRandom random = new SplittableRandom(4);
    Tensor x = Tensors.uniform(dtype, random, -1, 1, 2, 3, 5, 5);
    Tensor filters = Tensors.uniform(dtype, random, -1, 1, 4, 3, 3, 3);
    Tensor fused = Functions.convRelu(x, filters, null, ConvOptions.DEFAULT);
    fused.backward();
    double[] grad = x.grad().toDoubleArray();
    Tensor apart = Functions.conv(x, filters, null, ConvOptions.DEFAULT).relu();
    assertThat(fused.toDoubleArray()).isEqualTo(apart.toDoubleArray());
    apart.backward();
    assertThat(grad).isEqualTo(x.grad().toDoubleArray());
    assertThat(Arrays.stream(grad).filter(g -> g != 0).count()).isPositive();
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16"})
  void gradientsHaveGradients(DType dtype) {
    Tensor a = Tensors.uniform(dtype, new SplittableRandom(5), 0.5, 1, 3, 4);
    Tensor b = Tensors.uniform(dtype, new SplittableRandom(6), 0.5, 1, 4, 2);
    Tensor first = Gradients.of(a.matmul(b), a).get(0); // ones b^T: its sum is 3 sum(b)
    Tensor second = Gradients.of(first, b).get(0);
    assertThat(second.dtype()).isEqualTo(dtype);
    assertThat(second.toDoubleArray()).containsOnly(3);
  }
}
