package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.Upsample;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** All that an upsampling layer does, which is one operator of ONNX. */
final class ExportUpsample {
  private static final String[] NEAREST = {"Reshape", "BroadcastTo", "Reshape"};
  private static final String[] LINEAR = {"Reshape", "Concatenate", "Reshape", "Add"}; // an axis

  private final ExportContext context;
  private final Trace.Step last;
  private final Upsample layer;
  private final Set<Trace.Step> parts = Collections.newSetFromMap(new IdentityHashMap<>());

  /** A step that takes the layer's input as its first one; null where it is not found. */
  private final Trace.@Nullable Step first;

  ExportUpsample(ExportContext context, Trace.Step last, Upsample layer) {
    this.context = context;
    this.last = last;
    this.layer = layer;
    this.first = first();
    if (first != null) {
      addParts(first.input(0));
    }
  }

  private Trace.@Nullable Step first() {
    if (!layer.isLinear()) {
      return back(last, NEAREST);
    }
    int[] factors = layer.factors();
    long axes = Arrays.stream(factors).filter(factor -> factor > 1).count();
    axes *= factors.length == 1 ? last.output().ndim() - 2 : 1;
    Trace.Step step = last;
    Trace.Step found = null;
    for (int axis = 0; axis < axes && step != null; axis++) {
      found = back(step, LINEAR);
      step = found == null ? null : context.step(found.input(0));
      if (axis + 1 < axes && step == null) {
        return null;
      }
    }
    return found;
  }

  /** Goes back along first inputs; returns the step of the last name, null where one differs. */
  private Trace.@Nullable Step back(Trace.Step from, String... names) {
    Trace.Step step = from;
    Trace.Step before = null;
    for (String name : names) {
      if (step == null || !step.name().equals(name)) {
        return null;
      }
      before = step;
      step = context.step(step.input(0));
    }
    return before;
  }

  private void addParts(Tensor x) {
    Deque<Trace.Step> open = new ArrayDeque<>(List.of(last));
    while (!open.isEmpty()) {
      for (Tensor input : open.pop().inputs()) {
        Trace.Step before = context.step(input);
        if (before != null && input != x && parts.add(before)) {
          open.push(before);
        }
      }
    }
  }

  /** Returns whether the layer's input is found. */
  boolean matches() {
    return first != null;
  }

  Trace.Step[] parts() {
    return parts.toArray(Trace.Step[]::new);
  }

  void write() {
    Trace.Step taker = Objects.requireNonNull(first);
    Tensor x = taker.input(0);
    Tensor scales = Tensor.zeros(DType.F32, x.ndim());
    for (int axis = 0; axis < x.ndim(); axis++) {
      scales.storage().set(axis, axis < 2 ? 1 : (double) last.output().dim(axis) / x.dim(axis));
    }
    context.node(
        last,
        "Resize",
        List.of(
            context.value(taker, 0),
            "",
            context.graph().initializer(context.name(last) + ".scales", scales)),
        layer.isLinear()
            ? Map.of("mode", "linear", "coordinate_transformation_mode", "half_pixel")
            : Map.of(
                "mode", "nearest",
                "coordinate_transformation_mode", "asymmetric",
                "nearest_mode", "floor"));
  }
}
