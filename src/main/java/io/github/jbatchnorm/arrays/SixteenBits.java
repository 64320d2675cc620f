package io.github.jbatchnorm.arrays;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Products, convolutions and pooling of bf16 and f16, by those of f32: elements are widened, which
 * is exact, and each result is rounded once. Memory of f32 is taken for the time of a call.
 */
final class SixteenBits implements AutoCloseable {
  /** A result that is computed as f32, and where it goes. */
  private record Rounded(Storage wide, Storage to) {}

  private final List<Storage> taken = new ArrayList<>();
  private final List<Rounded> results = new ArrayList<>();

  private SixteenBits() {}

  /** Whether one of them has 16 bits. */
  static boolean areIn(@Nullable Storage... storages) {
    for (Storage storage : storages) {
      if (storage != null && storage.dtype().bytes() == Short.BYTES) {
        return true;
      }
    }
    return false;
  }

  /** Returns a storage as f32, if it has 16 bits. */
  private Storage widened(Storage storage) {
    if (!areIn(storage)) {
      return storage;
    }
    Storage wide = taken(storage);
    JavaArrays.castElements(storage, wide);
    return wide;
  }

  /** Returns where a result is computed: f32 that {@link #round} takes to the storage. */
  private Storage result(Storage storage) {
    if (!areIn(storage)) {
      return storage;
    }
    Storage wide = taken(storage);
    results.add(new Rounded(wide, storage));
    return wide;
  }

  private Storage taken(Storage like) {
    Storage wide = Storage.scratch(DType.F32, like.length());
    taken.add(wide);
    return wide;
  }

  private void round() {
    results.forEach(result -> JavaArrays.castElements(result.wide, result.to));
  }

  @Override
  public void close() {
    taken.forEach(Storage::close);
  }

  static void multiply(ArrayKernel kernel, MatrixProducts p) {
    try (SixteenBits wide = new SixteenBits()) {
      kernel.multiply(
          new MatrixProducts(
                  p.m,
                  p.n,
                  p.k,
                  wide.widened(p.a),
                  p.transA,
                  wide.widened(p.b),
                  p.transB,
                  wide.result(p.c))
              .pairs(p.pairs, p.strideA, p.strideB));
      wide.round();
    }
  }

  static void convolve(ArrayKernel kernel, Convolution shape, ConvolutionArguments a) {
    try (SixteenBits wide = new SixteenBits()) {
      Storage bias = a.bias();
      kernel.convolve(
          shape,
          new ConvolutionArguments(
              wide.widened(a.x()),
              wide.widened(a.filters()),
              bias == null ? null : wide.widened(bias),
              a.slope(),
              wide.result(a.y())));
      wide.round();
    }
  }

  static void convolveInput(
      ArrayKernel kernel, Convolution shape, Storage dy, Storage filters, Storage dx) {
    try (SixteenBits wide = new SixteenBits()) {
      kernel.convolveInput(shape, wide.widened(dy), wide.widened(filters), wide.result(dx));
      wide.round();
    }
  }

  static void convolveFilters(
      ArrayKernel kernel, Convolution shape, Storage x, Storage dy, Storage dFilters) {
    try (SixteenBits wide = new SixteenBits()) {
      kernel.convolveFilters(shape, wide.widened(x), wide.widened(dy), wide.result(dFilters));
      wide.round();
    }
  }

  static void maxPool(
      ArrayKernel kernel, Pooling shape, Storage x, Storage y, PickedElements picks) {
    try (SixteenBits wide = new SixteenBits()) {
      kernel.maxPool(shape, wide.widened(x), wide.result(y), picks);
      wide.round();
    }
  }

  static void maxUnpool(
      ArrayKernel kernel, Pooling shape, Storage dy, PickedElements picks, Storage dx) {
    try (SixteenBits wide = new SixteenBits()) {
      kernel.maxUnpool(shape, wide.widened(dy), picks, wide.result(dx));
      wide.round();
    }
  }
}
