package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.BatchNormShape;
import io.github.jbatchnorm.kernel.DType;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.kernel.Storage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The tensors of one batch normalization by their roles, checked and of fitting dtypes. */
final class BatchNormInputs {
  /** What an input is to the operation; the order of the inputs. */
  enum Role {
    X,
    GAMMA,
    BETA,
    Z,
    MEAN,
    VAR
  }

  private final BatchNormShape shape;
  private final BatchNormOptions options;
  private final List<Role> roles = new ArrayList<>();
  private final List<Tensor> tensors = new ArrayList<>();
  private final @Nullable Storage weights;

  BatchNormInputs(BatchNormBuilder builder) {
    options = builder.options;
    DType dtype = dtype(builder);
    shape = shape(builder.x, dtype, options.layout());
    DType parameters = dtype.parameters();
    add(Role.X, "x", builder.x, dtype, shape.size(), "N*C*S");
    add(Role.GAMMA, "gamma", builder.gamma, parameters, shape.c(), "C");
    add(Role.BETA, "beta", builder.beta, parameters, shape.c(), "C");
    if (builder.z != null && !Arrays.equals(builder.z.shape(), builder.x.shape())) {
      throw new IllegalArgumentException(
          "z: expected shape %s, got %s"
              .formatted(Shapes.text(builder.x.shape()), Shapes.text(builder.z.shape())));
    }
    add(Role.Z, "z", builder.z, dtype, shape.size(), "N*C*S");
    add(Role.MEAN, "mean", builder.mean, parameters, shape.c(), "C");
    add(Role.VAR, "var", builder.var, parameters, shape.c(), "C");
    weights = weights(builder);
  }

  /** The dtype of x and y: x's own for 16 bits unless a parameter has 64; else what holds all. */
  private static DType dtype(BatchNormBuilder builder) {
    DType dtype = builder.x.dtype();
    for (Tensor parameter : new Tensor[] {builder.gamma, builder.beta, builder.z}) {
      boolean fits =
          parameter == null
              || parameter.dtype() == dtype
              || (dtype.bytes() == Short.BYTES && parameter.dtype() != DType.F64);
      dtype = fits ? dtype : DType.promote(dtype, parameter.dtype());
    }
    return dtype;
  }

  private void add(
      Role role, String name, @Nullable Tensor tensor, DType dtype, int size, String formula) {
    if (tensor == null) {
      return;
    }
    if (tensor.size() != size) {
      throw new IllegalArgumentException(
          "%s: expected %s elements (%s), got %s (shape %s)"
              .formatted(name, size, formula, tensor.size(), Shapes.text(tensor.shape())));
    }
    roles.add(role);
    tensors.add(tensor.astype(dtype));
  }

  private static BatchNormShape shape(Tensor x, DType dtype, Layout layout) {
    int[] axes = x.shape();
    if (axes.length < 2) {
      throw new IllegalArgumentException(
          "x: expected at least two axes, (N, C, ...), got shape " + Shapes.text(axes));
    }
    int channel = layout == Layout.NCHW ? 1 : axes.length - 1;
    int positions = 1;
    for (int axis = 1; axis < axes.length; axis++) {
      positions *= axis == channel ? 1 : axes[axis];
    }
    return new BatchNormShape(dtype, layout, axes[0], axes[channel], positions);
  }

  /** The weight of each of the N*S positions from a mask and weights of samples; null for none. */
  private @Nullable Storage weights(BatchNormBuilder builder) {
    Tensor mask = builder.mask;
    Tensor samples = builder.sampleWeights;
    if (mask == null && samples == null) {
      return null;
    }
    check("mask", mask, (int) shape.m(), "N*S");
    check("sampleWeights", samples, shape.n(), "N");
    Storage result = Storage.allocate(DType.F64, shape.m());
    for (int i = 0; i < result.length(); i++) {
      double weight = samples == null ? 1 : samples.storage().get(i / shape.s());
      result.set(i, mask == null || mask.storage().get(i) != 0 ? weight : 0);
    }
    return result;
  }

  private static void check(String name, @Nullable Tensor tensor, int size, String formula) {
    if (tensor != null && tensor.size() != size) {
      throw new IllegalArgumentException(
          "%s: expected %s elements (%s), got %s (shape %s)"
              .formatted(name, size, formula, tensor.size(), Shapes.text(tensor.shape())));
    }
  }

  BatchNormShape shape() {
    return shape;
  }

  BatchNormOptions options() {
    return options;
  }

  Tensor[] tensors() {
    return tensors.toArray(Tensor[]::new);
  }

  Role role(int input) {
    return roles.get(input);
  }

  /** Returns the input of a role, -1 where there is none. */
  int index(Role role) {
    return roles.indexOf(role);
  }

  @Nullable Storage weights() {
    return weights;
  }

  /** Returns the weights as a constant of N*S elements. */
  @Nullable Tensor weightsTensor() {
    return weights == null ? null : Tensor.constant(weights, weights.length());
  }

  /** Returns the weights in a shape that broadcasts to x's. */
  Tensor weightsLike(Tensor x) {
    int[] axes = x.shape();
    axes[options.layout() == Layout.NHWC ? axes.length - 1 : 1] = 1;
    return Tensor.constant(Objects.requireNonNull(weights), axes);
  }
}
