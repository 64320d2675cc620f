package io.github.jbatchnorm.jmh;

import io.github.jbatchnorm.kernel.BatchNormKernel;
import io.github.jbatchnorm.kernel.BatchNormShape;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.random.RandomGenerator;

/** The memory of one call, allocated once. */
final class KernelState {
  final BatchNormShape shape;
  final Storage x;
  final Storage dy;
  final Storage y;
  final Storage dx;
  final Storage gamma;
  final Storage beta;
  final Storage mean;
  final Storage var;
  final Storage saved;
  final Storage dGamma;
  final Storage dBeta;

  /** Takes f32, channels first; {@code sizes} is like 32x64x56x56. */
  KernelState(int[] sizes) {
    this(sizes, Layout.NCHW);
  }

  /** Takes f32; the sizes are in the order of channels first for both layouts. */
  KernelState(int[] sizes, Layout layout) {
    int positions = 1;
    for (int axis = 2; axis < sizes.length; axis++) {
      positions *= sizes[axis];
    }
    shape = new BatchNormShape(DType.F32, layout, sizes[0], sizes[1], positions);
    x = random(1);
    dy = random(2);
    y = Storage.allocate(DType.F32, shape.size());
    dx = Storage.allocate(DType.F32, shape.size());
    gamma = channels(1.5);
    beta = channels(0.5);
    mean = channels(0);
    var = channels(1);
    dGamma = channels(0);
    dBeta = channels(0);
    saved = Storage.allocate(DType.F64, (long) BatchNormKernel.SAVED_PER_CHANNEL * shape.c());
  }

  static int[] sizes(String text) {
    return java.util.Arrays.stream(text.split("x", -1)).mapToInt(Integer::parseInt).toArray();
  }

  private Storage random(long seed) {
    RandomGenerator random = new java.util.SplittableRandom(seed);
    Storage storage = Storage.allocate(DType.F32, shape.size());
    for (int i = 0; i < storage.length(); i++) {
      storage.set(i, random.nextGaussian());
    }
    return storage;
  }

  private Storage channels(double value) {
    Storage storage = Storage.allocate(DType.F32, shape.c());
    for (int c = 0; c < shape.c(); c++) {
      storage.set(c, value);
    }
    return storage;
  }
}
