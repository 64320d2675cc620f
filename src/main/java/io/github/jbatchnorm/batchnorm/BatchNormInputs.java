package io.github.jbatchnorm.batchnorm;

import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.BatchNormShape;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.kernel.Weights;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
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
  private final @Nullable Weights weights;

  BatchNormInputs(BatchNormBuilder builder) {
    options = builder.options;
    DType dtype = dtype(builder);
    shape = shape(builder.x, dtype, options.layout());
    checkShape("z", builder.z, builder.x.shape());
    add(Role.X, builder.x, dtype);
    addChannels(Role.GAMMA, "gamma", builder.gamma);
    addChannels(Role.BETA, "beta", builder.beta);
    add(Role.Z, builder.z, dtype);
    addChannels(Role.MEAN, "mean", builder.mean);
    addChannels(Role.VAR, "var", builder.var);
    weights = builder.weights();
  }

  /** Of x and its weights alone. */
  BatchNormInputs(Tensor x, Layout layout, @Nullable Weights weights) {
    this.options = BatchNormOptions.DEFAULT.withLayout(layout);
    this.shape = shape(x, x.dtype(), layout);
    this.weights = weights;
    add(Role.X, x, x.dtype());
  }

  /**
   * The dtype of x and y: what holds x and z, and the parameters and statistics too, but that 16
   * bits stay beside those of f32, which is what the kernel has for them.
   */
  private static DType dtype(BatchNormBuilder builder) {
    DType dtype = builder.x.dtype();
    if (builder.z != null) {
      dtype = DType.promote(dtype, builder.z.dtype());
    }
    Tensor[] ofChannels = {builder.gamma, builder.beta, builder.mean, builder.var};
    for (Tensor tensor : ofChannels) {
      if (tensor != null && (tensor.dtype() == DType.F64 || dtype.bytes() != Short.BYTES)) {
        dtype = DType.promote(dtype, tensor.dtype());
      }
    }
    return dtype;
  }

  private void add(Role role, @Nullable Tensor tensor, DType dtype) {
    if (tensor != null) {
      roles.add(role);
      tensors.add(tensor.astype(dtype));
    }
  }

  /** Adds a tensor of C elements: axes beside the one that they lie along are of size 1. */
  private void addChannels(Role role, String name, @Nullable Tensor tensor) {
    if (tensor != null && tensor.size() != shape.c()) {
      throw new IllegalArgumentException(
          "%s: expected %s elements (C), got %s (shape %s)"
              .formatted(name, shape.c(), tensor.size(), Shapes.text(tensor.shape())));
    }
    if (tensor != null && Arrays.stream(tensor.shape()).filter(axis -> axis != 1).count() > 1) {
      throw new IllegalArgumentException(
          "%s: expected %s elements (C) along one axis, got shape %s"
              .formatted(name, shape.c(), Shapes.text(tensor.shape())));
    }
    add(role, tensor, shape.dtype().parameters());
  }

  static BatchNormShape shape(Tensor x, DType dtype, Layout layout) {
    int[] axes = x.shape();
    if (axes.length < 2) {
      throw new IllegalArgumentException(
          "x: expected at least two axes, (N, C, ...), got shape " + Shapes.text(axes));
    }
    int channel = layout == Layout.NCHW ? 1 : axes.length - 1;
    int[] positions = axes.clone();
    positions[0] = 1;
    positions[channel] = 1;
    return new BatchNormShape(dtype, layout, axes[0], axes[channel], Shapes.size(positions));
  }

  /** The weight of each of the N*S positions from a mask and weights of samples; null for none. */
  static @Nullable Weights weights(
      Tensor x, Layout layout, @Nullable Tensor mask, @Nullable Tensor samples) {
    if (mask == null && samples == null) {
      return null;
    }
    BatchNormShape shape = shape(x, x.dtype(), layout);
    boolean[] channel = new boolean[x.ndim()];
    channel[layout == Layout.NHWC ? channel.length - 1 : 1] = true;
    checkShape("mask", mask, Shapes.without(x.shape(), channel));
    checkShape("sampleWeights", samples, shape.n());
    Storage result = Storage.allocate(DType.F64, shape.m());
    for (int i = 0; i < result.length(); i++) {
      double weight = samples == null ? 1 : samples.storage().get(i / shape.s());
      result.set(i, mask == null || mask.storage().get(i) != 0 ? weight : 0);
    }
    return Weights.of(result);
  }

  private static void checkShape(String name, @Nullable Tensor tensor, int... expected) {
    if (tensor != null && !Arrays.equals(tensor.shape(), expected)) {
      throw new IllegalArgumentException(
          "%s: expected shape %s, got %s"
              .formatted(name, Shapes.text(expected), Shapes.text(tensor.shape())));
    }
  }

  BatchNormShape shape() {
    return shape;
  }

  BatchNormOptions options() {
    return options;
  }

  /** Returns the options by name, and what the inputs are in their order, in one text. */
  Map<String, Object> attributes(int groups) {
    return Map.of(
        "eps", options.eps(),
        "slope", options.slope(),
        "groups", groups,
        "layout", options.layout().name(),
        "weighted", weights != null,
        "roles", roles.stream().map(Role::name).collect(Collectors.joining(" ")));
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

  @Nullable Weights weights() {
    return weights;
  }

  /** Returns the weights as a constant of N*S elements. */
  @Nullable Tensor weightsTensor() {
    return weights == null ? null : Tensor.constant(weights.values(), weights.values().length());
  }

  /** Returns the weights in a shape that broadcasts to x's. */
  Tensor weightsLike(Tensor x) {
    int[] axes = x.shape();
    axes[options.layout() == Layout.NHWC ? axes.length - 1 : 1] = 1;
    return Tensor.constant(Objects.requireNonNull(weights).values(), axes);
  }
}
