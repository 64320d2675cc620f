package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A dense, row-major array of f32 or f64 that remembers how it was computed, so that {@link
 * #backward()} finds the gradient of every variable that led to it.
 *
 * <p>A tensor is a variable unless it is constant; what is computed from constants alone is
 * constant. Semantics follow MyGrad: one backward sets the gradients of every variable of its graph
 * anew, sums over reuse, and clears the graph. Confined to one thread while a graph is built and
 * until backward has run; a finished tensor that no one changes may be read by any thread.
 */
public final class Tensor
    implements ArithmeticMethods,
        ComparisonMethods,
        ElementMethods,
        FunctionMethods,
        InPlaceMethods,
        ReductionMethods,
        ScanMethods,
        ShapeMethods {
  private Node node;

  Tensor(Node node) {
    this.node = node;
  }

  /**
   * {@return an f32 variable with a copy of the values}
   *
   * @param values row-major
   * @param shape the axes; none given means one axis of {@code values.length}
   * @throws IllegalArgumentException if the shape has another number of elements
   */
  public static Tensor of(float[] values, int... shape) {
    Storage storage = Storage.allocate(DType.F32, values.length);
    storage.copyFrom(values, 0);
    return variable(storage, orVector(values.length, shape));
  }

  /**
   * As {@link #of(float[], int...)}, in f64.
   *
   * @param values the elements, row-major
   * @param shape the axes' sizes
   * @return a variable
   */
  public static Tensor of(double[] values, int... shape) {
    Storage storage = Storage.allocate(DType.F64, values.length);
    storage.copyFrom(values, 0);
    return variable(storage, orVector(values.length, shape));
  }

  /**
   * {@return integers as MyGrad's integer tensors take part in batch norm: f64 and constant}
   *
   * @param values the elements, row-major
   * @param shape the axes' sizes
   */
  public static Tensor ofInts(int[] values, int... shape) {
    Storage storage = Storage.allocate(DType.F64, values.length);
    for (int i = 0; i < values.length; i++) {
      storage.set(i, values[i]);
    }
    return constant(storage, orVector(values.length, shape));
  }

  /**
   * {@return a tensor of a nested array: {@code Tensor.of(new double[][] {{1, 2}, {3, 4}})}} Of
   * {@code float} a variable of f32, of {@code double} one of f64, of whole numbers and {@code
   * boolean} (1 and 0) a constant of f64, as {@link #ofInts}.
   *
   * @param nested arrays of arrays of one primitive type, as deep as there are axes
   * @throws IllegalArgumentException if arrays beside each other differ in length, one is null, the
   *     type is another, or a {@code long} is none that f64 holds
   */
  public static Tensor of(Object[] nested) {
    Objects.requireNonNull(nested, "nested");
    return NestedArray.tensor(nested);
  }

  private static int[] orVector(int length, int[] shape) {
    return shape.length == 0 ? new int[] {length} : shape;
  }

  /**
   * {@return an f64 variable without axes}
   *
   * @param value the element
   */
  public static Tensor scalar(double value) {
    return variable(scalarStorage(DType.F64, value));
  }

  /** Returns a constant without axes, rounded to the dtype. */
  static Tensor constantScalar(DType dtype, double value) {
    return constant(scalarStorage(dtype, value));
  }

  private static Storage scalarStorage(DType dtype, double value) {
    Storage storage = Storage.allocate(dtype, 1);
    storage.set(0, value);
    return storage;
  }

  /**
   * {@return a variable filled with 0}
   *
   * @param dtype the type of the elements
   * @param shape the axes' sizes
   */
  public static Tensor zeros(DType dtype, int... shape) {
    Objects.requireNonNull(dtype, "dtype");
    Objects.requireNonNull(shape, "shape");
    return variable(Storage.allocate(dtype, Shapes.size(shape)), shape);
  }

  /**
   * {@return a variable over the given memory, which it shares}
   *
   * @param storage the elements, row-major
   * @param shape the axes' sizes
   */
  public static Tensor variable(Storage storage, int... shape) {
    Objects.requireNonNull(storage, "storage");
    Objects.requireNonNull(shape, "shape");
    return new Tensor(Node.of(storage, false, shape));
  }

  /**
   * {@return a constant over the given memory, which it shares}
   *
   * @param storage the elements, row-major
   * @param shape the axes' sizes
   */
  public static Tensor constant(Storage storage, int... shape) {
    Objects.requireNonNull(storage, "storage");
    Objects.requireNonNull(shape, "shape");
    return new Tensor(Node.of(storage, true, shape));
  }

  /** {@return a constant of the same data, which it shares} */
  public Tensor asConstant() {
    return view(node.shape);
  }

  /**
   * Returns this, as the result of an operation that has nothing to do: constant without a graph.
   */
  Tensor same() {
    return node.constant || NoAutodiff.isRecording() ? this : asConstant();
  }

  /** Returns a variable of the same data, which it shares, without a creator. */
  Tensor detached() {
    return new Tensor(node.sharing(node.storage, false, node.shape));
  }

  /** Returns a constant of the same data in another shape. */
  Tensor view(int... newShape) {
    return new Tensor(node.sharing(node.storage, true, newShape));
  }

  /** Returns a constant of a part of the data, from an element on. */
  Tensor part(int from, int... newShape) {
    return new Tensor(
        node.sharing(node.storage.slice(from, Shapes.size(newShape)), true, newShape));
  }

  /** Returns what this is now. */
  Node node() {
    return node;
  }

  /** Returns this tensor where it still is what it was, else one that is. */
  Tensor at(Node then) {
    return node == then ? this : new Tensor(then);
  }

  /** Makes this tensor another: the result of an operation in place. */
  void become(Node next) {
    node = next;
  }

  /** {@return a variable, or a constant if this is one, with a copy of the data and no creator} */
  public Tensor copy() {
    Storage copied = Storage.allocate(dtype(), size());
    copied.copyFrom(node.storage);
    return new Tensor(Node.of(copied, node.constant, node.shape));
  }

  /** {@return the axes' sizes} */
  public int[] shape() {
    return node.shape.clone();
  }

  /** Returns the axes' sizes, not to be changed. */
  int[] axes() {
    return node.shape;
  }

  /**
   * {@return the size of one axis; a negative one counts from the end}
   *
   * @param axis which axis, negative from the end
   */
  public int dim(int axis) {
    int at = axis < 0 ? axis + node.shape.length : axis;
    if (at < 0 || at >= node.shape.length) {
      throw new IllegalArgumentException(
          "axis: %s is none of the axes of %s".formatted(axis, Shapes.text(node.shape)));
    }
    return node.shape[at];
  }

  /** {@return the number of axes} */
  public int ndim() {
    return node.shape.length;
  }

  /** {@return the number of elements} */
  public int size() {
    return node.storage.length();
  }

  /** {@return the type of the elements} */
  public DType dtype() {
    return node.storage.dtype();
  }

  /**
   * {@return the memory, row-major} To be read; {@link #update} changes it so that the tape knows.
   */
  public Storage storage() {
    return node.storage;
  }

  /** {@return true where no gradient flows to or through this tensor} */
  public boolean isConstant() {
    return node.constant;
  }

  /**
   * {@return the operation that computed this, or null: for data, for what was computed inside
   * {@link NoAutodiff}, and for a variable once a backward has cleared its graph} A constant is in
   * no graph: it keeps its operation, which holds none of its inputs.
   */
  public @Nullable Operation creator() {
    return node.creator;
  }

  /**
   * {@return the gradient that the last backward found, of this shape and dtype, or null: before
   * it, for a constant, and once this tensor enters a new graph} It cannot be changed; copy it.
   */
  public @Nullable Tensor grad() {
    return node.grad;
  }

  /** Forgets the gradient. */
  public void nullGrad() {
    node.grad = null;
  }

  /**
   * Computes the gradient of the sum of this tensor's elements for every variable it was computed
   * from, itself included, and clears the graph. Nothing happens for a constant.
   *
   * @throws InvalidBackpropException inside {@link NoAutodiff}, if part of the graph was cleared
   *     before, or if data that a gradient needs were changed since; no gradient changes then
   */
  public void backward() {
    backward(1.0);
  }

  /**
   * As {@link #backward(Tensor)}, with the same seed for each element.
   *
   * @param seed the gradient of this tensor
   */
  public void backward(double seed) {
    backward(constantScalar(dtype(), seed));
  }

  /**
   * As {@link #backward()}, of the sum of this tensor's elements times the seed's.
   *
   * @param seed broadcasts to this shape; cast to this dtype; a constant may become this tensor's
   *     gradient itself, so leave it as it is
   * @throws IllegalArgumentException if the seed does not broadcast to this shape
   */
  public void backward(Tensor seed) {
    Tape.backward(this, seed, Tape.NONE);
  }

  /**
   * Changes the data in place. A backward that needs the old data throws rather than give a wrong
   * gradient; so does one that comes to data which an operation had computed and this changed.
   *
   * @param change is given the elements
   * @throws IllegalStateException if this is a gradient
   */
  public void update(Consumer<Storage> change) {
    checkChangeable();
    node.updated(); // first: a change that fails may have begun
    change.accept(node.storage);
  }

  /** Throws where this is a gradient. */
  void checkChangeable() {
    if (node.frozen) {
      throw new IllegalStateException("a gradient cannot be changed in place: copy it first");
    }
  }

  /** As {@link #update}, by an operation that knows the gradient, and throws before it begins. */
  void overwrite(Consumer<Storage> change) {
    change.accept(node.storage);
    node.changed();
  }

  @Override
  public String toString() {
    return TensorText.of(this);
  }
}
