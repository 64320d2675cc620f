package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.io.Stored;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** What a model that is exported takes: numbers of a dtype, or numbers of rows. */
final class ExportInput {
  private final DType dtype;

  /** How many rows there are, 0 where these are no numbers of rows. */
  private final int below;

  /** The shape of one sample. */
  private final int[] sample;

  private ExportInput(DType dtype, int below, int... sample) {
    this.dtype = dtype;
    this.below = below;
    this.sample = sample;
  }

  static ExportInput of(int... sample) {
    return new ExportInput(DType.F32, 0, sample.clone());
  }

  ExportInput dtype(DType newDtype) {
    return new ExportInput(newDtype, 0, sample);
  }

  ExportInput indices(int newBelow) {
    return new ExportInput(DType.F64, newBelow, sample);
  }

  private boolean isIndices() {
    return below > 0;
  }

  /** Draws so many samples: a variable, or indices, which are constants. */
  Tensor random(long seed, int samples) {
    int[] shape = new int[sample.length + 1];
    shape[0] = samples;
    System.arraycopy(sample, 0, shape, 1, sample.length);
    if (!isIndices()) {
      return Trace.random(dtype, seed, shape);
    }
    SplittableRandom random = new SplittableRandom(seed);
    int size = 1;
    for (int axis : shape) {
      size = Math.multiplyExact(size, axis);
    }
    return Tensor.ofInts(random.ints(size, 0, below).toArray(), shape);
  }

  OnnxFile.Value value() {
    List<Long> axes = new ArrayList<>(List.of(OnnxFile.ANY));
    for (int axis : sample) {
      axes.add((long) axis);
    }
    int type = isIndices() ? ElementType.of(Stored.Type.I64) : ElementType.of(dtype);
    return new OnnxFile.Value(ExportContext.INPUT, type, axes);
  }
}
