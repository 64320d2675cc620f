package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.Shapes;
import java.util.Objects;
import java.util.function.BinaryOperator;

/**
 * Operations in place, as part of the graph: the tensor itself becomes the result, with its own
 * shape and dtype, and its gradient is from then on that of what it became. What was computed from
 * it before keeps the values that it had, gradients included, so no backward finds changed data.
 * Views, {@link Tensor#reshape} and slices that lie together, see the change whichever of them it
 * is made on; copies, {@link Tensor#asConstant} and the {@link Tensor#storage} taken before do not:
 * the result is in memory of its own, which in a {@link io.github.jbatchnorm.memory.MemoryScope} is
 * the scope's, as every result's. A constant stays constant. After MyGrad's.
 *
 * <p>Inside {@link NoAutodiff} the memory itself is written, as by {@link Tensor#update}: a
 * backward that needs the old data throws, and a variable stays a variable.
 *
 * <p>Each method returns this tensor, and throws IllegalStateException for a gradient, which is to
 * be copied first, and IllegalArgumentException if the other operand does not broadcast to this
 * shape.
 */
sealed interface InPlaceMethods permits Tensor {
  /**
   * {@return this, which becomes this + other}
   *
   * @param other broadcasts to this shape; the sum is rounded to this dtype
   */
  default Tensor addInPlace(Tensor other) {
    return become(other, Tensor::add);
  }

  /**
   * {@return this, which becomes this + value}
   *
   * @param value the number
   */
  default Tensor addInPlace(double value) {
    return addInPlace(like(value));
  }

  /**
   * {@return this, which becomes this - other}
   *
   * @param other broadcasts to this shape; the difference is rounded to this dtype
   */
  default Tensor subtractInPlace(Tensor other) {
    return become(other, Tensor::subtract);
  }

  /**
   * {@return this, which becomes this - value}
   *
   * @param value the number
   */
  default Tensor subtractInPlace(double value) {
    return subtractInPlace(like(value));
  }

  /**
   * {@return this, which becomes this * other}
   *
   * @param other broadcasts to this shape; the product is rounded to this dtype
   */
  default Tensor multiplyInPlace(Tensor other) {
    return become(other, Tensor::multiply);
  }

  /**
   * {@return this, which becomes this * value}
   *
   * @param value the number
   */
  default Tensor multiplyInPlace(double value) {
    return multiplyInPlace(like(value));
  }

  /**
   * {@return this, which becomes this / other}
   *
   * @param other broadcasts to this shape; the quotient is rounded to this dtype
   */
  default Tensor divideInPlace(Tensor other) {
    return become(other, Tensor::divide);
  }

  /**
   * {@return this, which becomes this / value}
   *
   * @param value the number
   */
  default Tensor divideInPlace(double value) {
    return divideInPlace(like(value));
  }

  /**
   * {@return this, which becomes this to the power of other, as {@link Tensor#pow(Tensor)}}
   *
   * @param other the exponents, which broadcast to this shape; powers are rounded to this dtype
   */
  default Tensor powInPlace(Tensor other) {
    return become(other, Tensor::pow);
  }

  /**
   * {@return this, which becomes this to the power of value}
   *
   * @param value the exponent
   */
  default Tensor powInPlace(double value) {
    return powInPlace(like(value));
  }

  /**
   * {@return this, of which the elements that indices choose become those of value} Where an
   * element is chosen more than once the last one counts; its gradient alone goes back to value.
   *
   * @param value broadcasts to the shape of what is chosen, but for axes of size 1 in front;
   *     rounded to this dtype
   * @param indices as in {@link Tensor#slice}; none for all elements
   * @throws IllegalArgumentException if value does not broadcast, there are more indices than axes,
   *     or one is out of range
   */
  default Tensor set(Tensor value, Index... indices) {
    Objects.requireNonNull(value, "value");
    Objects.requireNonNull(indices, "indices");
    self().checkChangeable();
    Tensor operand = self().isConstant() ? value.asConstant() : value;
    return Views.write(self(), Selection.of(self(), indices).replaced(operand));
  }

  /**
   * {@return this, of which the elements that indices choose become value}
   *
   * @param value the number
   * @param indices as in {@link Tensor#slice}; none for all elements
   */
  default Tensor set(double value, Index... indices) {
    return set(like(value), indices);
  }

  private Tensor become(Tensor other, BinaryOperator<Tensor> f) {
    Objects.requireNonNull(other, "other");
    self().checkChangeable();
    Shapes.checkBroadcast("other", other.axes(), self().axes());
    Tensor operand = self().isConstant() ? other.asConstant() : other;
    return Views.write(self(), f.apply(self(), operand).astype(self().dtype()));
  }

  private Tensor self() {
    return (Tensor) this;
  }

  private Tensor like(double value) {
    return Tensor.constantScalar(self().dtype(), value);
  }
}
