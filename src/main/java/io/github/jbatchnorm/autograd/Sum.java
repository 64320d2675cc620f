package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.kernel.Storage;

/**
 * The sum over some axes. Elements are read in memory's order; each output is a sum in f64 whose
 * rounding errors are summed beside it (Knuth's TwoSum), so that the order hardly matters.
 */
final class Sum extends Operation {
  private final boolean[] reduced;
  private final boolean keepDims;
  private final int[] kept;

  Sum(Tensor x, boolean[] reduced, boolean keepDims) {
    super(x);
    this.reduced = reduced;
    this.keepDims = keepDims;
    this.kept = x.shape();
    for (int axis = 0; axis < kept.length; axis++) {
      kept[axis] = reduced[axis] ? 1 : kept[axis];
    }
  }

  @Override
  protected Tensor forward() {
    Tensor x = input(0);
    int[] shape = x.shape();
    int size = Shapes.size(kept);
    double[] high = new double[size];
    double[] low = new double[size];
    Runs outputs = new Runs(shape, Shapes.broadcastStrides(kept, shape));
    double[] chunk = new double[Math.min(Elementwise.CHUNK, x.size())];
    for (int at = 0; at < x.size(); ) {
      int n = Math.min(chunk.length, Math.min(outputs.left(), x.size() - at));
      x.storage().read(at, chunk, 0, n);
      if (outputs.stride() == 0) {
        addAll(chunk, n, high, low, outputs.offset());
      } else {
        addEach(chunk, n, high, low, outputs.offset());
      }
      outputs.advance(n);
      at += n;
    }
    for (int i = 0; i < size; i++) {
      // An overflown sum has a NaN beside it: inf - inf.
      high[i] = Double.isInfinite(high[i]) ? high[i] : high[i] + low[i];
    }
    Storage result = Storage.allocate(x.dtype(), size);
    result.write(0, high, 0, size);
    return Tensor.constant(result, keepDims ? kept : Shapes.without(shape, reduced));
  }

  private static void addAll(double[] values, int n, double[] high, double[] low, int to) {
    double sum = high[to];
    double error = low[to];
    for (int i = 0; i < n; i++) {
      double next = sum + values[i];
      double part = next - sum;
      error += (sum - (next - part)) + (values[i] - part);
      sum = next;
    }
    high[to] = sum;
    low[to] = error;
  }

  private static void addEach(double[] values, int n, double[] high, double[] low, int to) {
    for (int i = 0; i < n; i++) {
      double sum = high[to + i];
      double next = sum + values[i];
      double part = next - sum;
      low[to + i] += (sum - (next - part)) + (values[i] - part);
      high[to + i] = next;
    }
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return grad.reshape(kept).broadcastTo(input(0).shape());
  }
}
