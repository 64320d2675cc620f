package io.github.jbatchnorm.arrays;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.platform.Parallel;
import io.github.jbatchnorm.platform.Settings;
import io.github.jbatchnorm.platform.Sizes;
import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Function;

/** The operations on arrays in Java: what the native ones are tested against. */
public final class JavaArrays implements ArrayKernel {
  /** Elements computed at a time: small enough for the first-level cache. */
  static final int CHUNK = 1024;

  /** Sums over neighbouring elements have so many lanes. */
  private static final int LANES = 16;

  private final Function<Convolution, JavaConvolution> convolutions;

  /** Makes the kernel, on {@link Settings#threads}. */
  public JavaArrays() {
    this(JavaConvolution::new);
  }

  /** Makes one with other convolutions. */
  JavaArrays(Function<Convolution, JavaConvolution> convolutions) {
    this.convolutions = convolutions;
  }

  /** A function of two elements. */
  @FunctionalInterface
  interface Binary {
    double apply(double a, double b);
  }

  @Override
  public void zip(
      ArrayFunction f, double p, double q, int[] shape, Strided a, Strided b, Strided y) {
    DType dtype = y.storage.dtype();
    zipElements((u, v) -> f.apply(u, v, p, q, dtype), shape, a, b, y);
  }

  static void zipElements(Binary f, int[] shape, Strided a, Strided b, Strided y) {
    int[] sizes = shape.clone(); // what is checked is what is used
    int size = Sizes.product("shape", sizes);
    a.check("a", sizes);
    b.check("b", sizes);
    y.check("y", sizes);
    Parallel.ranges(
        size,
        (from, end) -> {
          StridedReader left = new StridedReader(a, from, sizes);
          StridedReader right = new StridedReader(b, from, sizes);
          Runs to = new Runs(sizes, y.strides);
          to.seek(from);
          double[] u = new double[Math.min(CHUNK, end - from)];
          double[] v = new double[u.length];
          for (int at = from; at < end; at += CHUNK) {
            int n = Math.min(CHUNK, end - at);
            left.next(u, n);
            right.next(v, n);
            for (int i = 0; i < n; i++) {
              u[i] = f.apply(u[i], v[i]);
            }
            write(u, n, y, to);
          }
        });
  }

  private static void write(double[] values, int count, Strided y, Runs to) {
    for (int at = 0; at < count; ) {
      int part = Math.min(count - at, to.left());
      int offset = y.from + to.offset();
      if (to.stride() == 1) {
        y.storage.write(offset, values, at, part);
      } else {
        for (int i = 0; i < part; i++) {
          y.storage.set(offset + i * to.stride(), values[at + i]);
        }
      }
      to.advance(part);
      at += part;
    }
  }

  static void mapElements(DoubleUnaryOperator f, Storage x, Storage y) {
    if (x.length() != y.length()) {
      throw new IllegalArgumentException(
          "y: expected %s elements, got %s".formatted(x.length(), y.length()));
    }
    Parallel.ranges(
        x.length(),
        (from, end) -> {
          double[] chunk = new double[Math.min(CHUNK, end - from)];
          for (int at = from; at < end; at += CHUNK) {
            int n = Math.min(CHUNK, end - at);
            x.read(at, chunk, 0, n);
            for (int i = 0; i < n; i++) {
              chunk[i] = f.applyAsDouble(chunk[i]);
            }
            y.write(at, chunk, 0, n);
          }
        });
  }

  static void castElements(Storage x, Storage y) {
    if (x.dtype() == DType.F64 || y.dtype() == DType.F64) {
      mapElements(a -> a, x, y);
      return;
    }
    if (x.length() != y.length()) {
      throw new IllegalArgumentException(
          "y: expected %s elements, got %s".formatted(x.length(), y.length()));
    }
    Parallel.ranges(
        x.length(),
        (from, end) -> {
          float[] chunk = new float[Math.min(CHUNK, end - from)];
          for (int at = from; at < end; at += CHUNK) {
            int n = Math.min(CHUNK, end - at);
            x.read(at, 1, chunk, n);
            y.write(at, 1, chunk, n);
          }
        });
  }

  @Override
  public void sum(int[] shape, Storage x, boolean[] reduced, Storage y) {
    Reduction reduction = new Reduction(shape, reduced);
    reduction.check(x, y);
    Parallel.run(
        reduction.outputs() * (long) reduction.inputs() < Parallel.RANGE ? 1 : 64,
        (part, parts) -> {
          int end = (int) ((long) reduction.outputs() * (part + 1) / parts);
          for (int i = (int) ((long) reduction.outputs() * part / parts); i < end; i++) {
            y.set(i, sum(reduction, x, i));
          }
        });
  }

  private static double sum(Reduction reduction, Storage x, int output) {
    int lanes = reduction.inRuns() ? LANES : 1;
    double[] sums = new double[lanes];
    double[] errors = new double[lanes];
    int first = reduction.outputOffset(output);
    int length = reduction.inRuns() ? reduction.runLength() : 1;
    for (int row = 0; row < reduction.inputs() / Math.max(1, length); row++) {
      int from = first + reduction.inputOffset(row * length);
      for (int i = 0; i < length; i++) {
        add(sums, errors, i % lanes, x.get(from + i));
      }
    }
    for (int half = lanes / 2; half > 0; half /= 2) {
      for (int lane = 0; lane < half; lane++) {
        errors[lane] += errors[lane + half];
        add(sums, errors, lane, sums[lane + half]);
      }
    }
    // An overflown sum has a NaN beside it: inf - inf.
    return Double.isInfinite(sums[0]) ? sums[0] : sums[0] + errors[0];
  }

  private static void add(double[] sums, double[] errors, int lane, double value) {
    double next = sums[lane] + value;
    double part = next - sums[lane];
    errors[lane] += (sums[lane] - (next - part)) + (value - part);
    sums[lane] = next;
  }

  @Override
  public void multiply(MatrixProducts products) {
    if (SixteenBits.areIn(products.a, products.b, products.c)) {
      SixteenBits.multiply(this, products);
      return;
    }
    products.check();
    if (products.c.length() > 0) {
      JavaProducts.multiply(products);
    }
  }

  @Override
  public void convolve(Convolution shape, ConvolutionArguments arguments) {
    if (SixteenBits.areIn(arguments.x(), arguments.filters(), arguments.bias(), arguments.y())) {
      SixteenBits.convolve(this, shape, arguments);
      return;
    }
    arguments.check(shape);
    convolutions.apply(shape).convolve(arguments);
  }

  @Override
  public void convolveInput(Convolution shape, Storage dy, Storage filters, Storage dx) {
    if (SixteenBits.areIn(dy, filters, dx)) {
      SixteenBits.convolveInput(this, shape, dy, filters, dx);
      return;
    }
    shape.check(dx, filters, dy);
    convolutions.apply(shape).input(dy, filters, dx);
  }

  @Override
  public void convolveFilters(Convolution shape, Storage x, Storage dy, Storage dFilters) {
    if (SixteenBits.areIn(x, dy, dFilters)) {
      SixteenBits.convolveFilters(this, shape, x, dy, dFilters);
      return;
    }
    shape.check(x, dFilters, dy);
    convolutions.apply(shape).filters(x, dy, dFilters);
  }

  @Override
  public void maxPool(Pooling shape, Storage x, Storage y, PickedElements picks) {
    if (SixteenBits.areIn(x, y)) {
      SixteenBits.maxPool(this, shape, x, y, picks);
      return;
    }
    shape.check(x, y, picks);
    picks.found(null); // until all of them are
    for (int i = 0; i < y.length(); i++) {
      int best = pick(shape, x, i);
      y.set(i, x.get(best));
      picks.set(i, best);
    }
    picks.found(shape);
  }

  private static int pick(Pooling p, Storage x, int output) {
    int column = output % p.out[2];
    int row = output / p.out[2] % p.out[1];
    int slice = output / (p.out[2] * p.out[1]) % p.out[0];
    int plane = output / p.positions();
    int corner =
        ((plane * p.in[0] + slice * p.stride[0]) * p.in[1] + row * p.stride[1]) * p.in[2]
            + column * p.stride[2];
    int best = corner;
    for (int a = 0; a < p.window[0]; a++) {
      for (int b = 0; b < p.window[1]; b++) {
        for (int c = 0; c < p.window[2]; c++) {
          int at = corner + (a * p.in[1] + b) * p.in[2] + c;
          boolean better = !(x.get(at) <= x.get(best)) && !Double.isNaN(x.get(best));
          best = better ? at : best;
        }
      }
    }
    return best;
  }

  @Override
  public void maxUnpool(Pooling shape, Storage dy, PickedElements picks, Storage dx) {
    if (SixteenBits.areIn(dy, dx)) {
      SixteenBits.maxUnpool(this, shape, dy, picks, dx);
      return;
    }
    shape.checkPicked(dx, dy, picks);
    shape.checkEach(picks.memory);
    double[] plane = new double[shape.plane()];
    for (int p = 0; p < shape.planes; p++) {
      Arrays.fill(plane, 0);
      for (int i = p * shape.positions(); i < (p + 1) * shape.positions(); i++) {
        int at = picks.get(i) - p * plane.length;
        double sum = plane[at] + dy.get(i);
        plane[at] = dx.dtype() == DType.F64 ? sum : (float) sum;
      }
      dx.write(p * plane.length, plane, 0, plane.length);
    }
  }

  @Override
  public void logSoftmax(int length, Storage x, Storage y) {
    checkRows(length, x, y);
    double[] row = new double[x.length() == 0 ? 0 : length];
    for (int at = 0; at < x.length(); at += length) {
      x.read(at, row, 0, length);
      logSoftmax(row);
      y.write(at, row, 0, length);
    }
  }

  static void checkRows(int length, Storage x, Storage y) {
    Convolution.expect("y", y, x.length(), x);
    if (length < 0 || (length == 0 ? x.length() != 0 : x.length() % length != 0)) {
      throw new IllegalArgumentException(
          "x: expected whole rows of %s elements, got %s".formatted(length, x.length()));
    }
  }

  private static void logSoftmax(double[] row) {
    double most = Double.NEGATIVE_INFINITY;
    for (double value : row) {
      most = Math.max(most, value);
    }
    double[] lanes = new double[LANES];
    for (int i = 0; i < row.length; i++) {
      lanes[i % LANES] += Exponentials.exp(row[i] - most);
    }
    for (int half = LANES / 2; half > 0; half /= 2) {
      for (int lane = 0; lane < half; lane++) {
        lanes[lane] += lanes[lane + half];
      }
    }
    double log = Exponentials.log(lanes[0]);
    for (int i = 0; i < row.length; i++) {
      row[i] = row[i] - most - log;
    }
  }

  @Override
  public void update(Update update, Storage parameter, Storage grad, Storage one, Storage two) {
    update.check(parameter, grad, one, two);
    double[] state = new double[2];
    for (int i = 0; i < parameter.length(); i++) {
      state[0] = one.get(i);
      state[1] = two.get(i);
      parameter.set(i, update.apply(parameter.get(i), grad.get(i), state));
      one.set(i, state[0]);
      two.set(i, state[1]);
    }
  }
}
