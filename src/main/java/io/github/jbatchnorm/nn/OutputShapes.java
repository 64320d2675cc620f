package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.MemoryScope;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** The shapes of what a model's layers return in one evaluation, for {@link Summary}. */
final class OutputShapes {
  /** What the calling thread's evaluation is watched by; absent outside of {@link #watched}. */
  private static final ThreadLocal<@Nullable BiConsumer<Layer, Tensor>> WATCHING =
      new ThreadLocal<>();

  /** One layer's outputs, a shape for each of its calls. */
  private static final class Outputs {
    private final List<int[]> shapes = new ArrayList<>();
    private @Nullable Tensor last;
  }

  private final IdentityHashMap<Layer, Outputs> outputs = new IdentityHashMap<>();

  private OutputShapes() {}

  /** Evaluates a model on zeros, f32, of a shape. */
  static OutputShapes of(Layer model, int... shape) {
    OutputShapes shapes = new OutputShapes();
    MemoryScope.run(
        () -> {
          Tensor x = Tensors.zeros(DType.F32, shape).asConstant();
          NoAutodiff.call(() -> watched(model, x, shapes::add));
        });
    return shapes;
  }

  /** Evaluates a model while a watcher is told by its layers what they return; at last by it. */
  static Tensor watched(Layer model, Tensor x, BiConsumer<Layer, Tensor> watcher) {
    BiConsumer<Layer, Tensor> before = WATCHING.get();
    WATCHING.set(watcher);
    try {
      return seen(model, model.forward(x, Mode.EVALUATION));
    } finally {
      if (before == null) {
        WATCHING.remove();
      } else {
        WATCHING.set(before);
      }
    }
  }

  private void add(Layer layer, Tensor y) {
    Outputs of = outputs.computeIfAbsent(layer, ignored -> new Outputs());
    if (of.last != y) {
      of.last = y;
      of.shapes.add(y.shape());
    }
  }

  /**
   * Is told by a layer, or by who calls it, what it returns; both may tell of one call.
   *
   * @return y
   */
  static Tensor seen(Layer layer, Tensor y) {
    BiConsumer<Layer, Tensor> watching = WATCHING.get();
    if (watching != null) {
      watching.accept(layer, y);
    }
    return y;
  }

  /** Returns what a layer's call number {@code call} returned, or null where no one told. */
  int @Nullable [] of(Layer layer, int call) {
    Outputs of = outputs.get(layer);
    return of == null ? null : of.shapes.get(Math.min(call, of.shapes.size() - 1));
  }
}
