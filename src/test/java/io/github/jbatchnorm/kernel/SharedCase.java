package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;

/** A line of native/test/cases.txt, its data and its hash; cases.hpp is the same in C++. */
record SharedCase(BatchNormShape shape, String data, String call, String hash) {
  static final double EPS = 1e-5;

  /** Of the case: beside the squares of minute elements any other would be all there is. */
  double eps() {
    return data.equals("minute") ? 0 : EPS;
  }

  static Path file() {
    return Path.of(System.getProperty("jbatchnorm.test.basedir", "."), "native/test/cases.txt");
  }

  static List<SharedCase> all() throws IOException {
    return Files.readAllLines(file()).stream()
        .filter(line -> !line.isBlank() && !line.startsWith("#"))
        .map(SharedCase::parse)
        .toList();
  }

  /** The cases, smallest first, that bring a {@link #pairs pair} that none before them has. */
  static List<SharedCase> cover(List<SharedCase> all) {
    Set<String> seen = new HashSet<>();
    return all.stream()
        .sorted(Comparator.comparingInt(one -> one.shape.size()))
        .filter(one -> seen.addAll(one.pairs().toList()))
        .toList();
  }

  /** A dtype and layout with a call, a way or a kind of data; a layout and call with a way. */
  Stream<String> pairs() {
    String type = shape.dtype() + " " + shape.layout() + " ";
    return Stream.of(
        type + call, type + data, type + way(), shape.layout() + " " + call + " " + way());
  }

  /** Which of the paths over memory a call of this shape takes (docs/numerics.md). */
  private String way() {
    boolean isShort = shape.s() < 16;
    long side = isShort ? (long) shape.c() * shape.s() : shape.c();
    return "%s, %s, %s"
        .formatted(
            isShort ? "short rows" : "rows",
            shape.m() > 2048 ? "many chunks" : "one chunk",
            side >= 128 ? "slices" : "one slice");
  }

  static SharedCase parse(String line) {
    String[] field = line.split(" ", -1);
    BatchNormShape shape =
        new BatchNormShape(
            DType.valueOf(field[0].toUpperCase(Locale.ROOT)),
            Layout.valueOf(field[1].toUpperCase(Locale.ROOT)),
            Integer.parseInt(field[2]),
            Integer.parseInt(field[3]),
            Integer.parseInt(field[4]));
    return new SharedCase(shape, field[5], field[6], field[7]);
  }

  String line() {
    return "%s %s %d %d %d %s %s"
        .formatted(
            shape.dtype().name().toLowerCase(Locale.ROOT),
            shape.layout().name().toLowerCase(Locale.ROOT),
            shape.n(),
            shape.c(),
            shape.s(),
            data,
            call);
  }

  @Override
  public String toString() {
    return line();
  }

  /** Returns the hash of everything that a kernel gives for this case's calls. */
  String run(BatchNormKernel kernel) {
    return prepare().apply(kernel);
  }

  /** Makes the data once, for any number of kernels. */
  Function<BatchNormKernel, String> prepare() {
    CaseData made = new CaseData(shape, data);
    return kernel -> new Run(kernel, made).hash();
  }

  private final class Run {
    private final BatchNormKernel kernel;
    private final CaseData in;
    private final Storage y = data();
    private final Storage dx = data();
    private final Storage dz = data();
    private final Storage mean = channels();
    private final Storage var = channels();
    private final Storage dGamma = channels();
    private final Storage dBeta = channels();
    private final Storage saved = Storage.allocate(DType.F64, 4L * shape.c());
    private long hash = 0xcbf29ce484222325L;

    Run(BatchNormKernel kernel, CaseData in) {
      this.kernel = kernel;
      this.in = in;
    }

    private Storage data() {
      return Storage.allocate(shape.dtype(), shape.size());
    }

    private Storage channels() {
      return Storage.allocate(shape.dtype().parameters(), shape.c());
    }

    String hash() {
      switch (call) {
        case "plain" -> plain();
        case "relu" -> tail(0, false);
        case "leaky" -> tail(0.25, true);
        case "given" -> given();
        case "inverted" -> inverted();
        case "weights" -> weighted();
        case "second" -> second();
        default -> throw new IllegalArgumentException("call: " + call);
      }
      return "%016x".formatted(hash);
    }

    private ForwardArguments forward(double slope) {
      return forward(in.x, slope);
    }

    private ForwardArguments forward(Storage x, double slope) {
      BatchNormOptions options = BatchNormOptions.DEFAULT.withEps(eps()).withLeakyRelu(slope);
      return new ForwardArguments(shape, options, x)
          .gamma(in.gamma)
          .beta(in.beta)
          .y(y)
          .mean(mean)
          .var(var)
          .saved(saved);
    }

    private BackwardArguments backward(double slope) {
      return backward(in.x, in.dy, slope);
    }

    private BackwardArguments backward(Storage x, Storage dy, double slope) {
      BatchNormOptions options = BatchNormOptions.DEFAULT.withEps(eps()).withLeakyRelu(slope);
      return new BackwardArguments(shape, options, x, dy, saved)
          .gamma(in.gamma)
          .beta(in.beta)
          .dx(dx)
          .dGamma(dGamma)
          .dBeta(dBeta);
    }

    private void run(ForwardArguments arguments) {
      kernel.forward(arguments);
      add(y, mean, var);
    }

    private void run(BackwardArguments arguments) {
      kernel.backward(arguments);
      add(dx, dGamma, dBeta);
    }

    private void plain() {
      run(forward(1));
      Storage inferred = data();
      kernel.infer(shape, in.x, null, in.beta, in.mean, in.var, eps(), inferred);
      add(inferred);
      kernel.backward(shape, in.x, in.dy, in.gamma, saved, eps(), dx, dGamma, dBeta);
      add(dx, dGamma, dBeta, saved.slice(0, 3 * shape.c()));
    }

    private void tail(double slope, boolean adds) {
      run(forward(slope).z(adds ? in.z : null));
      run(backward(slope).y(adds ? y : null).dz(adds ? dz : null));
      add(dz);
    }

    private void given() {
      run(forward(0.25).given(in.mean, in.var));
      run(backward(0.25).given());
      Storage statistics = Storage.allocate(DType.F64, saved.length());
      statistics.copyFrom(saved);
      run(forward(1).given(statistics).beta(null));
      run(backward(1).given().dx(null).dz(dz));
      add(dz);
    }

    private void inverted() {
      y.copyFrom(in.x);
      run(forward(y, 0.5).invertible());
      dx.copyFrom(in.dy);
      run(backward(y, dx, 0.5).inverted());
    }

    private void weighted() {
      run(forward(0.25).z(in.z).weights(Weights.of(in.weights)));
      run(backward(0.25).y(y).dz(dz).weights(Weights.of(in.weights)));
      add(dz);
      run(forward(0).weights(Weights.of(in.weights)));
      run(backward(0).dz(dz).weights(Weights.of(in.weights)));
    }

    private void second() {
      kernel.forward(forward(1));
      for (boolean given : new boolean[] {false, true}) {
        SecondArguments arguments =
            new SecondArguments(shape, eps(), in.x, in.dy, saved)
                .gamma(in.gamma)
                .v(in.z)
                .vGamma(in.mean)
                .vBeta(in.beta)
                .gx(dx)
                .gdy(dz)
                .gGamma(dGamma);
        kernel.second(given ? arguments.given() : arguments);
        add(dx, dz, dGamma);
      }
    }

    /** FNV-1a over the elements' bits, every NaN the same. */
    private void add(Storage... parts) {
      for (Storage part : parts) {
        for (int i = 0; i < part.length(); i++) {
          hash = (hash ^ bits(part, i)) * 0x100000001b3L;
        }
      }
    }

    private static long bits(Storage values, int i) {
      return switch (values.dtype()) {
        case F32 -> Integer.toUnsignedLong(Float.floatToIntBits((float) values.get(i)));
        case F64 -> Double.doubleToLongBits(values.get(i));
        case BF16, F16 -> halfBits(values, i);
      };
    }

    private static long halfBits(Storage values, int i) {
      if (Double.isNaN(values.get(i))) {
        return values.dtype() == DType.BF16 ? 0x7fc0 : 0x7e00;
      }
      return Short.toUnsignedLong(values.bytes().getShort(i * Short.BYTES));
    }
  }
}
