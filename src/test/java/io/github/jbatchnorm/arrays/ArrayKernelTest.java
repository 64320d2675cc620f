package io.github.jbatchnorm.arrays;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.kernel.BatchNormShape;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.platform.Isa;
import io.github.jbatchnorm.platform.NativeLibrary;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The native operations on arrays give the Java ones' bits, on every ISA and number of threads. */
@Tag("machine")
class ArrayKernelTest {
  private static final double[] SPECIAL = {
    0, -0.0, 1, -1, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 1e-40, 3e38
  };

  private final SplittableRandom random = new SplittableRandom(7);
  private final ArrayKernel java = new JavaArrays();

  private static List<ArrayKernel> natives() {
    List<ArrayKernel> kernels = new ArrayList<>();
    for (Isa isa : Isa.values()) {
      if (NativeLibrary.has(isa)) {
        kernels.add(new NativeArrays(1, isa));
        kernels.add(new NativeArrays(3, isa));
      }
    }
    return kernels;
  }

  private Storage random(DType dtype, int length) {
    Storage storage = Storage.allocate(dtype, length);
    for (int i = 0; i < length; i++) {
      boolean special = random.nextInt(8) == 0;
      storage.set(i, special ? SPECIAL[random.nextInt(SPECIAL.length)] : random.nextDouble(-3, 3));
    }
    return storage;
  }

  private Storage finite(DType dtype, int length) {
    Storage storage = Storage.allocate(dtype, length);
    for (int i = 0; i < length; i++) {
      storage.set(i, random.nextDouble(-3, 3));
    }
    return storage;
  }

  private static Storage copy(Storage storage) {
    Storage copied = Storage.allocate(storage.dtype(), storage.length());
    copied.copyFrom(storage);
    return copied;
  }

  /** Bits, with one NaN for all: which one an operation gives is the processor's choice. */
  private static long[] bits(Storage storage) {
    long[] bits = new long[storage.length()];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Double.doubleToLongBits(storage.get(i));
    }
    return bits;
  }

  @ParameterizedTest
  @EnumSource(ArrayFunction.class)
  void zipHasTheSameBits(ArrayFunction f) {
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      for (int[] shape : List.of(new int[] {5}, new int[] {3, 4, 7}, new int[] {2, 3, 9000})) {
        int size = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        int[] plain = Shapes.strides(shape);
        int[] repeated = plain.clone();
        repeated[random.nextInt(shape.length)] = 0;
        Strided a = Strided.of(random(dtype, size), 0, plain);
        Strided b = Strided.of(random(dtype, size), 0, repeated);
        double p = random.nextInt(3) * 0.3;
        for (ArrayKernel kernel : natives()) {
          for (List<Strided> pair : List.of(List.of(a, b), List.of(b, a))) {
            Storage expected = Storage.allocate(dtype, size);
            Storage y = Storage.allocate(dtype, size);
            java.zip(f, p, 1.5, shape, pair.get(0), pair.get(1), Strided.of(expected, 0, plain));
            kernel.zip(f, p, 1.5, shape, pair.get(0), pair.get(1), Strided.of(y, 0, plain));
            assertThat(bits(y)).isEqualTo(bits(expected));
          }
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = ArrayFunction.class,
      names = {"EXP", "EXPM1", "LOG", "LOG1P", "TANH", "SIGMOID", "ELU"})
  void exponentialsOfAllMagnitudesHaveTheSameBits(ArrayFunction f) {
    int[] shape = {30_011};
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      Storage x = Storage.allocate(dtype, shape[0]);
      for (int i = 0; i < x.length(); i++) {
        double any =
            dtype == DType.F64
                ? Double.longBitsToDouble(random.nextLong())
                : Float.intBitsToFloat(random.nextInt());
        x.set(i, i % 2 == 0 ? any : random.nextDouble(-800, 800));
      }
      Strided a = Strided.of(x, 0, 1);
      same(shape[0], dtype, (kernel, y) -> kernel.zip(f, 1.7, 0, shape, a, a, Strided.of(y, 0, 1)));
    }
  }

  @Test
  void exponentialsOfAnyStridesHaveTheSameBits() {
    Storage x = finite(DType.F32, 24);
    int[] shape = {4, 3, 2};
    Strided backwards = Strided.of(x, 23, -1, -4, -12);
    same(
        25,
        DType.F32,
        (kernel, y) ->
            kernel.zip(
                ArrayFunction.EXP, 0, 0, shape, backwards, backwards, Strided.of(y, 1, 1, 8, 4)));
  }

  @Test
  void logSoftmaxHasTheSameBits() {
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      for (int length : new int[] {1, 10, 16, 37, 1000}) {
        Storage x = finite(dtype, length * 40);
        same(x.length(), dtype, (kernel, y) -> kernel.logSoftmax(length, x, y));
        Storage special = random(dtype, length * 40);
        same(x.length(), dtype, (kernel, y) -> kernel.logSoftmax(length, special, y));
      }
      Storage empty = Storage.allocate(dtype, 0);
      same(0, dtype, (kernel, y) -> kernel.logSoftmax(0, empty, y));
    }
  }

  @Test
  void zipReadsAndWritesWithAnyStrides() {
    Storage x = finite(DType.F32, 24);
    int[] shape = {4, 3, 2};
    Strided backwards = Strided.of(x, 23, -1, -4, -12);
    for (ArrayKernel kernel : natives()) {
      Storage y = Storage.allocate(DType.F32, 25);
      kernel.zip(ArrayFunction.COPY, 0, 0, shape, backwards, backwards, Strided.of(y, 1, 1, 8, 4));
      for (int i = 0; i < 24; i++) {
        int a = i / 6;
        int b = i / 2 % 3;
        int c = i % 2;
        assertThat(y.get(1 + a + 8 * b + 4 * c)).isEqualTo(x.get(23 - a - 4 * b - 12 * c));
      }
    }
  }

  @Test
  void stridesThatLeaveTheStorageAreRefused() {
    Storage x = finite(DType.F32, 10);
    Strided good = Strided.of(x, 0, 1);
    for (Strided bad : List.of(Strided.of(x, 1, 1), Strided.of(x, 0, -1), Strided.of(x, 0, 2))) {
      assertThatThrownBy(
              () -> natives().get(0).zip(ArrayFunction.ADD, 0, 0, new int[] {10}, good, bad, good))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("b: elements");
    }
  }

  @Test
  void sumsHaveTheSameBits() {
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      for (int[] shape :
          List.of(
              new int[] {1000},
              new int[] {7, 5, 33},
              new int[] {2, 3, 4, 5},
              new int[] {4, 9000})) {
        Storage x = finite(dtype, Arrays.stream(shape).reduce(1, (a, b) -> a * b));
        for (int mask = 0; mask < 1 << shape.length; mask++) {
          boolean[] reduced = new boolean[shape.length];
          int outputs = 1;
          for (int axis = 0; axis < shape.length; axis++) {
            reduced[axis] = ((mask >> axis) & 1) == 1;
            outputs *= reduced[axis] ? 1 : shape[axis];
          }
          Storage expected = Storage.allocate(dtype, outputs);
          java.sum(shape, x, reduced, expected);
          for (ArrayKernel kernel : natives()) {
            Storage y = Storage.allocate(dtype, outputs);
            kernel.sum(shape, x, reduced, y);
            assertThat(bits(y)).as(Arrays.toString(reduced)).isEqualTo(bits(expected));
          }
        }
      }
    }
  }

  @Test
  void sumsOfCancellingElementsAreExact() {
    Storage x = Storage.allocate(DType.F64, 4000);
    for (int i = 0; i < 4000; i++) {
      x.set(i, i % 2 == 0 ? 1e16 + i : -1e16);
    }
    double exact = 0; // each pair is a small integer, so this is exact
    for (int i = 0; i < 4000; i += 2) {
      exact += x.get(i) + x.get(i + 1);
    }
    for (ArrayKernel kernel : natives()) {
      Storage y = Storage.allocate(DType.F64, 1);
      kernel.sum(new int[] {4000}, x, new boolean[] {true}, y);
      assertThat(y.get(0)).isEqualTo(exact);
    }
  }

  @Test
  void productsAreThoseOfTheirDefinition() {
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      for (int[] sizes :
          List.of(new int[] {3, 5, 7}, new int[] {70, 40, 33}, new int[] {1, 90, 2})) {
        for (int trans = 0; trans < 4; trans++) {
          checkProduct(dtype, sizes, (trans & 1) == 1, (trans & 2) == 2);
        }
      }
    }
  }

  private void checkProduct(DType dtype, int[] sizes, boolean transA, boolean transB) {
    int m = sizes[0];
    int n = sizes[1];
    int k = sizes[2];
    Storage a = finite(dtype, 2 * m * k);
    Storage b = finite(dtype, k * n);
    Storage expected = product(java, sizes, a, transA, b, transB);
    for (int i = 0; i < 2 * m * n; i++) {
      double sum = 0;
      for (int j = 0; j < k; j++) {
        int row = i / n % m;
        int first = i / (m * n) * m * k;
        sum +=
            a.get(first + (transA ? j * m + row : row * k + j))
                * b.get(transB ? i % n * k + j : j * n + i % n);
      }
      assertThat(expected.get(i)).isCloseTo(sum, within(dtype == DType.F64 ? 1e-13 : 2e-5));
    }
    for (ArrayKernel kernel : natives()) {
      assertThat(bits(product(kernel, sizes, a, transA, b, transB))).isEqualTo(bits(expected));
    }
  }

  private static Storage product(
      ArrayKernel kernel, int[] sizes, Storage a, boolean transA, Storage b, boolean transB) {
    Storage c = Storage.allocate(a.dtype(), 2L * sizes[0] * sizes[1]);
    kernel.multiply(
        new MatrixProducts(sizes[0], sizes[1], sizes[2], a, transA, b, transB, c)
            .pairs(new int[] {2}, new int[] {sizes[0] * sizes[2]}, new int[] {0}));
    return c;
  }

  private static final Convolution BANDS =
      convolution(
          new int[] {1, 8, 40, 40},
          new int[] {3, 8, 5, 5},
          new int[] {1, 1},
          new int[] {2, 2},
          new int[] {1, 1},
          1);

  private static final Convolution BLOCKS =
      convolution(
          new int[] {1, 40, 30, 30},
          new int[] {3, 40, 3, 3},
          new int[] {1, 1},
          new int[] {1, 1},
          new int[] {1, 1},
          1);

  private static final Convolution PIECES =
      convolution(
          new int[] {1, 16, 3000},
          new int[] {2, 16, 9},
          new int[] {1},
          new int[] {4},
          new int[] {1},
          1);

  @Test
  void largeConvolutionsAreCutIntoTilesOfTheCache() {
    assertThat(BANDS.tiles.bands()).isGreaterThan(1);
    assertThat(BLOCKS.tiles.inputBlocks()).isGreaterThan(1);
    assertThat(BLOCKS.tiles.filterBlocks()).isGreaterThan(1);
    assertThat(PIECES.tiles.pieces()).isGreaterThan(1);
    Convolution large =
        convolution(
            new int[] {1, 64, 512, 512},
            new int[] {64, 64, 3, 3},
            new int[] {1, 1},
            new int[] {1, 1},
            new int[] {1, 1},
            1);
    assertThat(large.tiles.patches()).isLessThan(1 << 25); // of 151 million in one
    for (Convolution shape : List.of(BANDS, PIECES, large)) {
      assertThat(shape.tiles.bandStart(0)).isZero();
      assertThat(shape.tiles.bandStart(shape.tiles.bands())).isEqualTo(shape.positions());
    }
  }

  @Test
  void imagesOfFewChannelsAndManyPixelsFit() {
    int[] two = {1, 1};
    for (int[] x :
        List.of(
            new int[] {1, 1, 5000, 5000},
            new int[] {1, 3, 2500, 2500},
            new int[] {1, 64, 1400, 1400})) {
      for (int side : new int[] {1, 3, 5}) {
        int[] filters = {8, x[1], side, side};
        assertThat(convolution(x, filters, two, two, two, 1).tiles.patches()).isPositive();
      }
    }
    int[] large = {8192, 8192, 1, 1};
    Convolution wide = convolution(new int[] {8, 8192, 2, 2}, large, two, new int[2], two, 1);
    assertThat((long) wide.parts() * (1 << 26)).isLessThan(Integer.MAX_VALUE / 4);
  }

  static Stream<Convolution> convolutions() {
    int[] one = {1};
    int[] two = {1, 1};
    return Stream.of(
        convolution(new int[] {5, 3, 9}, new int[] {4, 3, 3}, one, new int[] {1}, one, 1),
        convolution(new int[] {3, 2, 7, 6}, new int[] {3, 2, 3, 3}, two, two, two, 1),
        convolution(new int[] {9, 4, 8, 8}, new int[] {6, 2, 3, 2}, new int[] {2, 1}, two, two, 2),
        convolution(new int[] {2, 3, 20, 20}, new int[] {5, 3, 1, 1}, two, new int[2], two, 1),
        convolution(
            new int[] {2, 2, 9, 8},
            new int[] {2, 1, 3, 3},
            two,
            new int[] {3, 2},
            new int[] {2, 3},
            2),
        convolution(
            new int[] {2, 2, 4, 5, 6},
            new int[] {3, 2, 2, 3, 3},
            new int[] {1, 2, 1},
            new int[] {1, 0, 1},
            new int[] {1, 1, 2},
            1),
        BANDS,
        PIECES,
        BLOCKS,
        convolution(
            new int[] {1, 4, 6, 20, 20},
            new int[] {2, 4, 3, 3, 3},
            new int[] {1, 1, 1},
            new int[] {1, 1, 1},
            new int[] {1, 1, 1},
            1),
        convolution(
            new int[] {1, 8, 61, 60},
            new int[] {2, 8, 5, 4},
            new int[] {2, 1},
            new int[] {4, 1},
            new int[] {1, 3},
            1),
        convolution(new int[] {0, 2, 5, 5}, new int[] {3, 2, 3, 3}, two, two, two, 1));
  }

  private static Convolution convolution(
      int[] x, int[] filters, int[] stride, int[] padding, int[] dilation, int groups) {
    return Convolution.of(x, filters, stride, padding, dilation, groups);
  }

  private static int size(int... shape) {
    return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
  }

  @ParameterizedTest
  @MethodSource("convolutions")
  void convolutionsHaveTheSameBits(Convolution shape) {
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      Storage x = finite(dtype, size(shape.xShape()));
      Storage filters = finite(dtype, size(shape.filterShape()));
      Storage dy = finite(dtype, size(shape.outShape()));
      Storage bias = finite(dtype, shape.outShape()[1]);
      for (double slope : new double[] {1, 0, 0.3}) {
        same(
            dy.length(),
            dtype,
            (kernel, y) ->
                kernel.convolve(shape, new ConvolutionArguments(x, filters, bias, slope, y)));
      }
      same(
          dy.length(),
          dtype,
          (kernel, y) -> kernel.convolve(shape, new ConvolutionArguments(x, filters, null, 1, y)));
      same(x.length(), dtype, (kernel, dx) -> kernel.convolveInput(shape, dy, filters, dx));
      same(filters.length(), dtype, (kernel, df) -> kernel.convolveFilters(shape, x, dy, df));
    }
  }

  /** A call that writes one storage. */
  @FunctionalInterface
  private interface Call {
    void run(ArrayKernel kernel, Storage result);
  }

  private void same(int length, DType dtype, Call call) {
    Storage expected = Storage.allocate(dtype, length);
    call.run(java, expected);
    for (ArrayKernel kernel : natives()) {
      Storage result = Storage.allocate(dtype, length);
      call.run(kernel, result);
      assertThat(bits(result)).isEqualTo(bits(expected));
    }
  }

  @Test
  void maxPoolingHasTheSameBitsAndPicks() {
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      for (Pooling shape :
          List.of(
              Pooling.of(new int[] {3, 2, 28, 28}, new int[] {2, 2}, new int[] {2, 2}),
              Pooling.of(new int[] {2, 9, 7}, new int[] {3, 3}, new int[] {1, 2}),
              Pooling.of(new int[] {2, 50}, new int[] {4}, new int[] {3}),
              Pooling.of(new int[] {2, 6, 5, 4}, new int[] {2, 3, 2}, new int[] {1, 1, 2}))) {
        Storage x = random(dtype, shape.planes * shape.plane());
        int outputs = size(shape.outShape());
        Storage dy = finite(dtype, outputs);
        PickedElements expectedPicks = new PickedElements(outputs);
        Storage expected = Storage.allocate(dtype, outputs);
        java.maxPool(shape, x, expected, expectedPicks);
        for (ArrayKernel kernel : natives()) {
          PickedElements picks = new PickedElements(outputs);
          Storage y = Storage.allocate(dtype, outputs);
          kernel.maxPool(shape, x, y, picks);
          assertThat(bits(y)).isEqualTo(bits(expected));
          assertThat(picks.toArray()).isEqualTo(expectedPicks.toArray());
        }
        same(x.length(), dtype, (kernel, dx) -> kernel.maxUnpool(shape, dy, expectedPicks, dx));
      }
    }
  }

  static Stream<Update> updates() {
    return Stream.of(
        new Update(Update.Rule.SGD, 0.1, 1e-4, 0, 0.9, 0, 0, 0, 0, false),
        new Update(Update.Rule.SGD, 0.1, 0, 0.01, 0.9, 0, 0, 0, 0, true),
        new Update(Update.Rule.ADAM, 0.1, 0, 0.01, 0.9, 0.999, 1e-8, 0.1, 0.001, false),
        new Update(Update.Rule.RMSPROP, 0.1, 0, 0, 0.5, 0.99, 1e-8, 0, 0, false));
  }

  @ParameterizedTest
  @MethodSource("updates")
  void updatesHaveTheSameBits(Update update) {
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      Storage parameter = finite(dtype, 20_011);
      Storage grad = finite(dtype, parameter.length());
      Storage one = finite(dtype, parameter.length());
      Storage two = Storage.allocate(dtype, parameter.length());
      List<Storage> expected = updated(java, update, List.of(parameter, grad, one, two));
      for (ArrayKernel kernel : natives()) {
        List<Storage> found = updated(kernel, update, List.of(parameter, grad, one, two));
        for (int i = 0; i < expected.size(); i++) {
          assertThat(bits(found.get(i))).isEqualTo(bits(expected.get(i)));
        }
      }
    }
  }

  private static List<Storage> updated(ArrayKernel kernel, Update update, List<Storage> given) {
    List<Storage> all = new ArrayList<>(given.stream().map(ArrayKernelTest::copy).toList());
    if (update.rule() == Update.Rule.SGD) {
      all.set(3, all.get(2));
    }
    kernel.update(update, all.get(0), all.get(1), all.get(2), all.get(3));
    return all;
  }

  @Test
  void sizesWhoseProductsOverflowAreRefused() {
    ArrayKernel kernel = natives().get(0);
    Storage one = Storage.allocate(DType.F32, 1);
    Storage two16 = Storage.allocate(DType.F32, 1 << 16);
    Storage two17 = Storage.allocate(DType.F32, 1 << 17);
    int[] ones = {1, 1};
    int[] far = {1 << 15, 1 << 15};
    List<Consumer<ArrayKernel>> calls =
        List.of(
            k ->
                k.sum(
                    new int[] {65537, 2, 65536}, two17, new boolean[] {false, true, false}, two16),
            k ->
                k.multiply(
                    new MatrixProducts(1, 1, 1, one, false, one, false, two16)
                        .pairs(new int[] {65536, 65537}, new int[2], new int[2])),
            k ->
                k.zip(
                    ArrayFunction.COPY,
                    0,
                    0,
                    new int[] {-5, 3, -5},
                    Strided.of(one, 0, 0, 0, 0),
                    Strided.of(one, 0, 0, 0, 0),
                    Strided.of(one, 0, 0, 0, 0)),
            k -> convolution(new int[] {1, 1, 1, 1}, new int[] {1, 1, 1, 1}, ones, far, ones, 1),
            k ->
                convolution(
                    new int[] {1, 1, 1, 1}, new int[] {1, 1, 65537, 65537}, ones, far, ones, 1),
            k ->
                convolution(
                    new int[] {1, 1, 65536, 65536},
                    new int[] {1, 1, 1, 1},
                    ones,
                    new int[2],
                    ones,
                    1),
            k ->
                convolution(
                    new int[] {1, 0, Integer.MAX_VALUE},
                    new int[] {1, 0, 1},
                    new int[] {1},
                    new int[] {5},
                    new int[] {1},
                    1),
            k -> Pooling.of(new int[] {65536, 65537}, ones, ones),
            k -> new BatchNormShape(DType.F32, Layout.NCHW, 65537, 0, 65536));
    for (Consumer<ArrayKernel> call : calls) {
      assertThatThrownBy(() -> call.accept(kernel)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> call.accept(java)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void picksOfAnotherPoolingAreRefused() {
    Pooling small = Pooling.of(new int[] {1, 4}, new int[] {2}, new int[] {2});
    Pooling large = Pooling.of(new int[] {1, 4000}, new int[] {2000}, new int[] {2000});
    Storage dy = finite(DType.F32, 2);
    Storage dx = Storage.allocate(DType.F32, 4);
    PickedElements picks = new PickedElements(2);
    for (ArrayKernel kernel : List.of(natives().get(0), java)) {
      assertThatThrownBy(() -> kernel.maxUnpool(small, dy, picks, dx))
          .hasMessageStartingWith("picks:");
      kernel.maxPool(large, finite(DType.F32, 4000), Storage.allocate(DType.F32, 2), picks);
      assertThatThrownBy(() -> kernel.maxUnpool(small, dy, picks, dx))
          .hasMessageStartingWith("picks:");
    }
  }

  @Test
  void gradientOfAPlainConvolutionKeepsTheSignOfZero() {
    Convolution plain =
        convolution(
            new int[] {1, 1, 200},
            new int[] {1, 1, 1},
            new int[] {1},
            new int[] {0},
            new int[] {1},
            1);
    assertThat(plain.patchesAreInput()).isTrue();
    Storage dy = Storage.allocate(DType.F32, 200);
    dy.set(0, 1e-30);
    Storage filters = Storage.allocate(DType.F32, 1);
    filters.set(0, -1e-30);
    same(200, DType.F32, (kernel, dx) -> kernel.convolveInput(plain, dy, filters, dx));
  }

  @Test
  void aPartThatThrowsEndsTheOperationOnceNoOtherRuns() {
    Storage x = Storage.allocate(DType.F64, 1 << 20);
    Storage y = Storage.allocate(DType.F64, 1 << 20);
    AtomicInteger running = new AtomicInteger();
    assertThatThrownBy(
            () ->
                java.map(
                    a -> {
                      running.incrementAndGet();
                      try {
                        throw new IllegalStateException("thrown");
                      } finally {
                        running.decrementAndGet();
                      }
                    },
                    x,
                    y))
        .hasMessage("thrown");
    assertThat(running).hasValue(0);
  }

  @Test
  void sizesThatDoNotFitAreRefused() {
    ArrayKernel kernel = natives().get(0);
    Storage ten = Storage.allocate(DType.F32, 10);
    Storage nine = Storage.allocate(DType.F32, 9);
    Storage wide = Storage.allocate(DType.F64, 10);
    Update update = new Update(Update.Rule.ADAM, 0.1, 0, 0, 0.9, 0.999, 1e-8, 1, 1, false);
    Convolution shape = convolutions().toList().get(0);
    Pooling pooling = Pooling.of(new int[] {10}, new int[] {2}, new int[] {2});
    List<Consumer<ArrayKernel>> calls =
        List.of(
            k -> k.sum(new int[] {10}, nine, new boolean[] {true}, ten),
            k -> k.sum(new int[] {10}, ten, new boolean[] {true}, ten),
            k -> k.multiply(new MatrixProducts(2, 5, 2, ten, false, ten, false, nine)),
            k -> k.multiply(new MatrixProducts(3, 3, 5, ten, false, ten, false, nine)),
            k -> k.multiply(new MatrixProducts(3, 3, 3, ten, false, wide, false, nine)),
            k -> k.convolve(shape, new ConvolutionArguments(ten, ten, null, 1, ten)),
            k -> k.convolveInput(shape, ten, ten, ten),
            k -> k.convolveFilters(shape, ten, ten, ten),
            k -> k.logSoftmax(3, ten, ten),
            k -> k.logSoftmax(5, ten, nine),
            k -> k.maxPool(pooling, ten, ten, new PickedElements(5)),
            k -> k.maxUnpool(pooling, nine, new PickedElements(5), ten),
            k -> k.update(update, ten, nine, ten, ten),
            k -> k.update(update, ten, ten, wide, ten));
    for (Consumer<ArrayKernel> call : calls) {
      assertThatThrownBy(() -> call.accept(kernel)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> call.accept(java)).isInstanceOf(IllegalArgumentException.class);
    }
  }
}
