package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.memory.DType;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A scale and a shift, 1 and 0 at first, each optional.
 *
 * @param gamma the scale, or null for 1
 * @param beta the shift, or null for 0
 */
record Affine(@Nullable Tensor gamma, @Nullable Tensor beta) {
  /** What a builder is told of them. */
  static final class Options {
    private DType dtype = DType.F32;
    private boolean scale;
    private boolean shift;

    Options(boolean both) {
      scale = both;
      shift = both;
    }

    void dtype(DType newDtype) {
      if (newDtype != DType.F32 && newDtype != DType.F64) {
        throw new IllegalArgumentException("dtype: expected F32 or F64, got " + newDtype);
      }
      dtype = newDtype;
    }

    DType dtype() {
      return dtype;
    }

    void both() {
      scale = true;
      shift = true;
    }

    void withoutScale() {
      scale = false;
    }

    void withoutShift() {
      shift = false;
    }

    Affine create(int... shape) {
      return new Affine(
          scale ? Tensors.full(dtype, 1, shape) : null,
          shift ? Tensors.full(dtype, 0, shape) : null);
    }
  }

  void visit(StateVisitor visitor) {
    Objects.requireNonNull(visitor, "visitor");
    if (gamma != null) {
      visitor.parameter("weight", gamma);
    }
    if (beta != null) {
      visitor.parameter("bias", beta);
    }
  }

  /** Returns what is not there, for texts; null where nothing is missing. */
  @Nullable String missing() {
    if (gamma != null) {
      return LayerText.when(beta == null, "no shift");
    }
    return beta == null ? "no scale, no shift" : "no scale";
  }
}
