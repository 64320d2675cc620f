package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.memory.Storage;
import java.util.Arrays;
import java.util.stream.IntStream;

/** Elements picked by their indices, and put back. */
final class Indexing {
  private Indexing() {}

  /** Elements picked by their row-major index; the gradient goes back to where they came from. */
  static final class Gather extends Formula {
    private final int[] indices;
    private final int[] shape;

    /** Makes the operation; {@code indices} has the elements of {@code shape}, each within x. */
    Gather(Tensor x, int[] indices, int... shape) {
      super(x);
      this.indices = indices;
      this.shape = shape;
    }

    static Tensor along(Tensor x, int axis, int... indices) {
      int at = Shapes.axis(x.ndim(), axis);
      int size = x.dim(at);
      int inner = Shapes.size(Arrays.copyOfRange(x.axes(), at + 1, x.ndim()));
      int[] shape = x.shape();
      shape[at] = indices.length;
      int[] picked = new int[Shapes.size(shape)];
      for (int i = 0; i < picked.length; i++) {
        int index = indices[i / inner % indices.length];
        int from = index < 0 ? index + size : index;
        if (from < 0 || from >= size) {
          throw new IllegalArgumentException(
              "indices: %s is out of range for axis %s of size %s".formatted(index, at, size));
        }
        picked[i] = (i / inner / indices.length * size + from) * inner + i % inner;
      }
      return new Gather(x, picked, shape).apply();
    }

    static Tensor where(Tensor x, boolean... mask) {
      if (mask.length != x.size()) {
        throw new IllegalArgumentException(
            "mask: expected %s elements, got %s".formatted(x.size(), mask.length));
      }
      int[] picked = IntStream.range(0, mask.length).filter(i -> mask[i]).toArray();
      return new Gather(x, picked, picked.length).apply();
    }

    @Override
    protected Tensor forward() {
      Tensor x = input(0);
      Storage result = Storage.allocate(x.dtype(), indices.length);
      for (int i = 0; i < indices.length; i++) {
        result.set(i, x.storage().get(indices[i]));
      }
      return Tensor.constant(result, shape);
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return new Scatter(grad, indices, input(0).shape()).apply();
    }
  }

  /** Elements added to zeros at row-major indices: what {@link Gather} does, backwards. */
  static final class Scatter extends Formula {
    private final int[] indices;
    private final int[] shape;

    Scatter(Tensor x, int[] indices, int... shape) {
      super(x);
      this.indices = indices;
      this.shape = shape;
    }

    @Override
    protected Tensor forward() {
      Tensor x = input(0);
      Storage result = Storage.allocate(x.dtype(), Shapes.size(shape));
      for (int i = 0; i < indices.length; i++) {
        int to = indices[i];
        result.set(to, result.get(to) + x.storage().get(i));
      }
      return Tensor.constant(result, shape);
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return new Gather(grad, indices, input(0).shape()).apply();
    }
  }
}
