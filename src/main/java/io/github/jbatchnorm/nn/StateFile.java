package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.nn.io.Stored;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/** State of models and optimizers to the tensors of a file, and back. */
public final class StateFile {
  private StateFile() {}

  /** Returns copies of all that {@code state} shows a visitor, by name. */
  public static Map<String, Stored> save(Consumer<StateVisitor> state) {
    Map<String, Stored> saved = new LinkedHashMap<>();
    state.accept(
        new StateVisitor() {
          @Override
          public void parameter(String name, Tensor parameter) {
            saved.put(name, StoredTensors.of(parameter));
          }

          @Override
          public void statistic(String name, Tensor statistic) {
            saved.put(name, StoredTensors.of(statistic));
          }

          @Override
          public void count(String name, LongSupplier count, LongConsumer change) {
            saved.put(name, Stored.count(count.getAsLong()));
          }
        });
    return saved;
  }

  /**
   * Changes all that {@code state} shows a visitor to what was saved; nothing at all if something
   * does not fit.
   *
   * @throws IllegalArgumentException if a tensor is missing, has another shape or dtype, or is not
   *     known
   */
  public static void load(Map<String, Stored> saved, Consumer<StateVisitor> state) {
    Set<String> unknown = new TreeSet<>(saved.keySet());
    state.accept(
        visitor(
            (name, tensor) -> {
              unknown.remove(name);
              check(name, saved, StoredTensors.type(tensor.dtype()), tensor.shape());
            },
            (name, change) -> {
              unknown.remove(name);
              check(name, saved, Stored.Type.I64);
            }));
    if (!unknown.isEmpty()) {
      throw new IllegalArgumentException(
          "%s: no such tensor here".formatted(unknown.iterator().next()));
    }
    state.accept(
        visitor(
            (name, tensor) ->
                tensor.update(storage -> StoredTensors.copy(saved.get(name), storage)),
            (name, change) -> change.accept(saved.get(name).bytes().getLong())));
  }

  /** What is done with a thing of a name. */
  @FunctionalInterface
  private interface Named<T> {
    void accept(String name, T thing);
  }

  private static StateVisitor visitor(Named<Tensor> tensors, Named<LongConsumer> counts) {
    return new StateVisitor() {
      @Override
      public void parameter(String name, Tensor parameter) {
        tensors.accept(name, parameter);
      }

      @Override
      public void statistic(String name, Tensor statistic) {
        tensors.accept(name, statistic);
      }

      @Override
      public void count(String name, LongSupplier count, LongConsumer change) {
        counts.accept(name, change);
      }
    };
  }

  private static void check(
      String name, Map<String, Stored> saved, Stored.Type type, int... shape) {
    Stored stored = saved.get(name);
    if (stored == null) {
      throw new IllegalArgumentException("%s: is missing".formatted(name));
    }
    if (stored.type() != type || !Arrays.equals(stored.shape(), shape)) {
      throw new IllegalArgumentException(
          "%s: expected %s of shape %s, got %s"
              .formatted(name, type, Arrays.toString(shape), stored));
    }
  }
}
