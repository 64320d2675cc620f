package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Takes the input of the first batch norm that an evaluation comes to, of some that are waited for.
 */
final class InputWatch {
  /** What the calling thread's evaluation is watched by; absent outside of {@link #first}. */
  private static final ThreadLocal<@Nullable InputWatch> WATCHING = new ThreadLocal<>();

  /** A batch norm's input in an evaluation. */
  record Input(String name, BatchNorm norm, Tensor x) {}

  /** Ends an evaluation whose rest no one needs. */
  private static final class Arrived extends RuntimeException {
    private static final long serialVersionUID = 1;

    Arrived() {
      super(null, null, false, false);
    }
  }

  private final Map<String, BatchNorm> shown;
  private final Set<String> awaited;
  private final Set<BatchNorm> passed = Collections.newSetFromMap(new IdentityHashMap<>());
  private @Nullable Input found;

  private InputWatch(Map<String, BatchNorm> shown, Set<String> awaited) {
    this.shown = shown;
    this.awaited = awaited;
  }

  /**
   * Evaluates a model up to the first batch norm that is awaited.
   *
   * @param shown all of the model's batch norms by name
   * @param awaited the names of those that are waited for
   * @return what comes to it, or null if the evaluation comes to none of them
   * @throws IllegalArgumentException as the model's forward, or if it comes to a batch norm that is
   *     not shown, or twice to one
   */
  static @Nullable Input first(
      Layer model, Map<String, BatchNorm> shown, Set<String> awaited, Tensor x) {
    InputWatch watch = new InputWatch(shown, awaited);
    InputWatch before = WATCHING.get();
    WATCHING.set(watch);
    try {
      model.forward(x, Mode.EVALUATION);
    } catch (Arrived e) {
      return watch.found;
    } finally {
      if (before == null) {
        WATCHING.remove();
      } else {
        WATCHING.set(before);
      }
    }
    return null;
  }

  /** Is told by a batch norm with running statistics what comes to it in an evaluation. */
  static void seen(BatchNorm norm, Tensor x, boolean isMasked) {
    InputWatch watch = WATCHING.get();
    if (watch != null) {
      watch.take(norm, x, isMasked);
    }
  }

  private void take(BatchNorm norm, Tensor x, boolean isMasked) {
    String name = name(norm);
    if (!passed.add(norm)) {
      throw new IllegalArgumentException(
          "model: runs batch norm %s twice: its statistics would depend on themselves"
              .formatted(Recalibration.text(name)));
    }
    if (awaited.contains(name)) {
      if (isMasked) {
        throw new IllegalArgumentException(
            "model: gives batch norm %s a mask, which recalibration does not take"
                .formatted(Recalibration.text(name)));
      }
      found = new Input(name, norm, x);
      throw new Arrived();
    }
  }

  private String name(BatchNorm norm) {
    for (Map.Entry<String, BatchNorm> entry : shown.entrySet()) {
      if (entry.getValue() == norm) {
        return entry.getKey();
      }
    }
    throw Serving.notShown(norm.runningMean().size());
  }
}
