package io.github.jbatchnorm.kernel;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A line of native/test/cases.txt, its data and its hash; cases.hpp is the same in C++. */
record SharedCase(BatchNormShape shape, String data, String hash) {
  static final double EPS = 1e-5;

  static Path file() {
    return Path.of(System.getProperty("jbatchnorm.test.basedir", "."), "native/test/cases.txt");
  }

  static List<SharedCase> all() throws IOException {
    return Files.readAllLines(file()).stream()
        .filter(line -> !line.isBlank() && !line.startsWith("#"))
        .map(SharedCase::parse)
        .toList();
  }

  static SharedCase parse(String line) {
    String[] field = line.split(" ", -1);
    BatchNormShape shape =
        new BatchNormShape(
            field[0].equals("f32") ? DType.F32 : DType.F64,
            field[1].equals("nhwc") ? Layout.NHWC : Layout.NCHW,
            Integer.parseInt(field[2]),
            Integer.parseInt(field[3]),
            Integer.parseInt(field[4]));
    return new SharedCase(shape, field[5], field[6]);
  }

  String line() {
    return "%s %s %d %d %d %s"
        .formatted(
            shape.dtype() == DType.F32 ? "f32" : "f64",
            shape.layout() == Layout.NHWC ? "nhwc" : "nchw",
            shape.n(),
            shape.c(),
            shape.s(),
            data);
  }

  @Override
  public String toString() {
    return line();
  }

  /** Returns the hash of everything that a kernel's three calls give. */
  String run(BatchNormKernel kernel) {
    CaseData in = new CaseData(shape, data);
    DType dtype = shape.dtype();
    Storage y = Storage.allocate(dtype, shape.size());
    Storage z = Storage.allocate(dtype, shape.size());
    Storage dx = Storage.allocate(dtype, shape.size());
    Storage mean = Storage.allocate(dtype, shape.c());
    Storage var = Storage.allocate(dtype, shape.c());
    Storage dGamma = Storage.allocate(dtype, shape.c());
    Storage dBeta = Storage.allocate(dtype, shape.c());
    Storage saved = Storage.allocate(DType.F64, 3L * shape.c());
    kernel.forward(shape, in.x, in.gamma, in.beta, EPS, y, mean, var, saved);
    kernel.infer(shape, in.x, null, in.beta, in.mean, in.var, EPS, z);
    kernel.backward(shape, in.x, in.dy, in.gamma, saved, EPS, dx, dGamma, dBeta);
    long hash = 0xcbf29ce484222325L;
    for (Storage part : List.of(y, mean, var, z, dx, dGamma, dBeta, saved)) {
      hash = hash(hash, part);
    }
    return "%016x".formatted(hash);
  }

  /** FNV-1a over the elements' bits, every NaN the same. */
  private static long hash(long seed, Storage values) {
    long hash = seed;
    for (int i = 0; i < values.length(); i++) {
      long bits =
          values.dtype() == DType.F32
              ? Integer.toUnsignedLong(Float.floatToIntBits((float) values.get(i)))
              : Double.doubleToLongBits(values.get(i));
      hash = (hash ^ bits) * 0x100000001b3L;
    }
    return hash;
  }
}
