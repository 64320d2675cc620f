package io.github.jbatchnorm.interop.tensorboard;

import com.google.protobuf.CodedOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Counts of numbers between limits that grow by a tenth from 1e-12 to 1e20, on both sides of 0, as
 * TensorFlow's own are.
 */
final class Histogram {
  private static final double[] LIMITS = limits();
  private static final int MIN = 1;
  private static final int MAX = 2;
  private static final int NUMBER = 3;
  private static final int SUM = 4;
  private static final int SUM_OF_SQUARES = 5;
  private static final int BUCKET_LIMITS = 6;
  private static final int BUCKETS = 7;

  private final long[] counts = new long[LIMITS.length];
  private double min = Double.POSITIVE_INFINITY;
  private double max = Double.NEGATIVE_INFINITY;
  private double sum;
  private double sumOfSquares;
  private long number;

  private static double[] limits() {
    double[] positive = new double[1000];
    int count = 0;
    for (double limit = 1e-12; limit < 1e20; limit *= 1.1) {
      positive[count++] = limit;
    }
    double[] all = new double[2 * count + 2];
    for (int i = 0; i < count; i++) {
      all[count - 1 - i] = -positive[i];
      all[count + 1 + i] = positive[i];
    }
    all[2 * count + 1] = Double.MAX_VALUE;
    return all;
  }

  /** Counts a number; {@code index} is where it is, for messages. */
  void add(int index, double value) {
    if (!Double.isFinite(value)) {
      throw new IllegalArgumentException(
          "values: expected finite numbers, got %s at %s".formatted(value, index));
    }
    int at = Arrays.binarySearch(LIMITS, value);
    // A bucket goes from the limit before it, which is in it, up to its own, which is not.
    int bucket = at >= 0 ? Math.min(at + 1, LIMITS.length - 1) : -at - 1;
    counts[bucket]++;
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
    sumOfSquares += value * value;
    number++;
  }

  void write(CodedOutputStream out) throws IOException {
    out.writeDouble(MIN, number == 0 ? 0 : min);
    out.writeDouble(MAX, number == 0 ? 0 : max);
    out.writeDouble(NUMBER, (double) number);
    out.writeDouble(SUM, sum);
    out.writeDouble(SUM_OF_SQUARES, sumOfSquares);
    // Of empty ones beside each other the last is there: it says where the next one begins.
    int[] written =
        IntStream.range(0, counts.length)
            .filter(i -> counts[i] > 0 || (i + 1 < counts.length && counts[i + 1] > 0))
            .toArray();
    writeDoubles(out, BUCKET_LIMITS, IntStream.of(written).mapToDouble(i -> LIMITS[i]).toArray());
    writeDoubles(out, BUCKETS, IntStream.of(written).mapToDouble(i -> counts[i]).toArray());
  }

  private static void writeDoubles(CodedOutputStream out, int field, double... values)
      throws IOException {
    out.writeTag(field, 2);
    out.writeUInt32NoTag(values.length * Double.BYTES);
    for (double value : values) {
      out.writeDoubleNoTag(value);
    }
  }
}
