package io.github.jbatchnorm.autograd;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.batchnorm.BatchNormOp;
import io.github.jbatchnorm.batchnorm.ChannelMoments;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.functional.Losses;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** Of every pair of dtypes: the result has the one that holds both. */
class DtypesTest {
  private static final Map<String, BinaryOperator<Tensor>> PROMOTED = new LinkedHashMap<>();
  private static final Map<String, UnaryOperator<Tensor>> KEPT = new LinkedHashMap<>();

  static {
    PROMOTED.put("add", Tensor::add);
    PROMOTED.put("subtract", Tensor::subtract);
    PROMOTED.put("multiply", Tensor::multiply);
    PROMOTED.put("divide", Tensor::divide);
    PROMOTED.put("pow", Tensor::pow);
    PROMOTED.put("maximum", Tensor::maximum);
    PROMOTED.put("minimum", Tensor::minimum);
    PROMOTED.put("logaddexp", Tensor::logaddexp);
    PROMOTED.put("where", (a, b) -> Tensors.where(Tensor.ofInts(new int[] {1}), a, b));
    PROMOTED.put("concatenate", (a, b) -> Tensors.concatenate(0, a, b));
    PROMOTED.put("stack", (a, b) -> Tensors.stack(1, a, b));
    PROMOTED.put("marginRanking", (a, b) -> Losses.marginRanking(a, b, Tensors.onesLike(a), 1));
    PROMOTED.put("batchnorm add", (a, b) -> BatchNormOp.on(a).add(b).apply());
    PROMOTED.put("matmul", Tensor::matmul);
    PROMOTED.put("dense", (a, b) -> Functions.dense(a, b, null));
    PROMOTED.put("einsum", (a, b) -> Tensors.einsum("ij,kj->ik", a, b));
    PROMOTED.put(
        "conv", (a, b) -> Functions.conv(a.reshape(1, 1, 2, 2), b.reshape(1, 1, 2, 2), 1, 0));
    PROMOTED.put(
        "convTranspose",
        (a, b) ->
            Functions.convTranspose(
                a.reshape(1, 1, 2, 2), b.reshape(1, 1, 2, 2), null, ConvOptions.DEFAULT));
    KEPT.put("sum", Tensor::sum);
    KEPT.put("mean", Tensor::mean);
    KEPT.put("var", Tensor::var);
    KEPT.put("std", Tensor::std);
    KEPT.put("max", Tensor::max);
    KEPT.put("prod", Tensor::prod);
    KEPT.put("cumsum", x -> x.cumsum(0));
    KEPT.put("exp", Tensor::exp);
    KEPT.put("sigmoid", Tensor::sigmoid);
    KEPT.put("softmax", x -> Functions.softmax(x, 1));
    KEPT.put("elu", x -> Functions.elu(x, 1));
    KEPT.put("clip", x -> x.clip(0, 1));
    KEPT.put("take", x -> x.take(0, 1, 0));
    KEPT.put("transpose", Tensor::transpose);
    KEPT.put("dropout", x -> Functions.dropout(x, 0.5, new SplittableRandom(1)));
    KEPT.put("globalAvgPool", x -> Functions.globalAvgPool(x.reshape(1, 1, 4)));
    KEPT.put("softmaxCrossentropy", x -> Losses.softmaxCrossentropy(x, 0, 1));
    KEPT.put("focal", x -> Losses.focal(x, 1, 2, 0, 1).sum());
    KEPT.put("einsum", x -> Tensors.einsum("ij->j", x));
    KEPT.put("maxPool", x -> Functions.maxPool(x, 2, 1));
    KEPT.put("avgPool", x -> Functions.avgPool(x, new int[] {2, 2}, new int[] {1, 1}));
    KEPT.put("groupNorm", x -> Functions.groupNorm(x, 1, null, null, 1e-5));
    KEPT.put("batchnorm", x -> Functions.batchnorm(x, null, null, 1e-5));
  }

  private static Tensor matrix(DType dtype) {
    return Tensors.uniform(dtype, new SplittableRandom(7), 0.25, 0.75, 2, 2);
  }

  private static void assertGradientsHaveTheDtypesOfTheirVariables(Tensor y, Tensor... variables) {
    y.sum().backward();
    for (Tensor variable : variables) {
      assertThat(variable.grad().dtype()).isEqualTo(variable.dtype());
    }
  }

  @Test
  void mixedDtypesPromote() {
    PROMOTED.forEach(
        (name, f) -> {
          for (DType left : DType.values()) {
            for (DType right : DType.values()) {
              Tensor a = matrix(left);
              Tensor b = matrix(right);
              Tensor y = f.apply(a, b);
              assertThat(y.dtype())
                  .as("%s of %s and %s", name, left, right)
                  .isEqualTo(DType.promote(left, right));
              assertGradientsHaveTheDtypesOfTheirVariables(y, a, b);
            }
          }
        });
  }

  @Test
  void functionsOfOneTensorKeepItsDtype() {
    KEPT.forEach(
        (name, f) -> {
          for (DType dtype : DType.values()) {
            Tensor x = matrix(dtype);
            Tensor y = f.apply(x);
            assertThat(y.dtype()).as("%s of %s", name, dtype).isEqualTo(dtype);
            assertGradientsHaveTheDtypesOfTheirVariables(y, x);
          }
        });
  }

  @Test
  void momentsHaveTheDtypeOfParameters() {
    for (DType dtype : DType.values()) {
      Tensor x = matrix(dtype);
      ChannelMoments moments = ChannelMoments.of(x, Layout.NCHW);
      assertThat(moments.mean().dtype()).isEqualTo(dtype.parameters());
      assertGradientsHaveTheDtypesOfTheirVariables(moments.var(), x);
    }
  }
}
