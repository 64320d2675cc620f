package io.github.jbatchnorm.interop.keras;

import io.github.jbatchnorm.nn.io.Stored;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.stream.IntStream;

/** Keras's layouts of weights as this library's. */
final class Layouts {
  private Layouts() {}

  /** Returns a kernel (..., in, out) as (out, in, ...). */
  static Stored kernel(Stored kernel) {
    int n = kernel.shape().length;
    return n < 2
        ? kernel
        : transposed(
            kernel,
            IntStream.concat(IntStream.of(n - 1, n - 2), IntStream.range(0, n - 2)).toArray());
  }

  /** Returns a depthwise kernel (..., in, times) as (in times, 1, ...). */
  static Stored depthwise(Stored kernel) {
    int n = kernel.shape().length;
    if (n < 3) {
      return kernel;
    }
    Stored turned =
        transposed(
            kernel,
            IntStream.concat(IntStream.of(n - 2, n - 1), IntStream.range(0, n - 2)).toArray());
    int[] shape = turned.shape();
    shape[0] = Math.multiplyExact(shape[0], shape[1]);
    shape[1] = 1;
    return new Stored(turned.type(), shape, turned.bytes());
  }

  /** Returns a copy whose axis i is axis {@code order[i]}. */
  static Stored transposed(Stored stored, int... order) {
    int[] from = stored.shape();
    int n = from.length;
    int[] strides = new int[n];
    int stride = 1;
    for (int axis = n - 1; axis >= 0; axis--) {
      strides[axis] = stride;
      stride *= from[axis];
    }
    int[] shape = IntStream.of(order).map(axis -> from[axis]).toArray();
    int width = stored.type().bytes();
    ByteBuffer source = stored.bytes();
    ByteBuffer bytes = ByteBuffer.allocate(source.remaining()).order(ByteOrder.LITTLE_ENDIAN);
    int[] at = new int[n];
    int element = 0;
    for (int to = 0; to < bytes.capacity(); to += width) {
      bytes.put(to, source, element * width, width);
      for (int axis = n - 1; axis >= 0; axis--) {
        element += strides[order[axis]];
        if (++at[axis] < shape[axis]) {
          break;
        }
        element -= strides[order[axis]] * shape[axis];
        at[axis] = 0;
      }
    }
    return new Stored(stored.type(), shape, bytes);
  }
}
