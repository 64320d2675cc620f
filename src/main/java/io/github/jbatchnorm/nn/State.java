package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.nn.io.Stored;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * All that a model or optimizer shows a visitor, each tensor and count once with all of its names:
 * a layer in two places has one set of parameters, which goes by the first of its names.
 */
final class State implements StateVisitor {
  /**
   * One thing; either a tensor or a count.
   *
   * @param trained whether an optimizer changes it
   */
  record Entry(
      List<String> names, boolean trained, @Nullable Tensor tensor, @Nullable AtomicLong count) {
    String name() {
      return names.get(0);
    }

    Stored stored() {
      return count != null ? Stored.count(count.get()) : StoredTensors.of(tensorOf());
    }

    /** Refuses what {@link #take} could not take. */
    void check(String found, Stored stored, boolean convert) {
      Stored.Type type = count != null ? Stored.Type.I64 : StoredTensors.type(tensorOf().dtype());
      int[] shape = count != null ? new int[0] : tensorOf().shape();
      boolean fits =
          stored.type() == type || (convert && stored.type().isInteger() == (count != null));
      if (!fits || !Arrays.equals(stored.shape(), shape)) {
        throw new IllegalArgumentException(
            "%s: expected %s of shape %s, got %s"
                .formatted(found, type, Arrays.toString(shape), stored));
      }
      if (count != null && StoredTensors.integer(stored, 0) < 0) {
        throw new IllegalArgumentException(
            "%s: expected a count from 0 to 2^63-1, got %s"
                .formatted(found, StoredTensors.tensor(stored).item()));
      }
    }

    void take(Stored stored) {
      if (count != null) {
        count.set(StoredTensors.integer(stored, 0));
      } else {
        tensorOf().update(storage -> StoredTensors.copy(stored, storage));
      }
    }

    private Tensor tensorOf() {
      return Objects.requireNonNull(tensor);
    }
  }

  private final List<Entry> entries = new ArrayList<>();
  private final IdentityHashMap<Object, Entry> known = new IdentityHashMap<>();
  private final Set<String> taken = new HashSet<>();

  private State() {}

  /**
   * Returns the state in the order in which it is shown.
   *
   * @throws IllegalArgumentException if two things have one name
   */
  static List<Entry> of(Consumer<StateVisitor> shows) {
    State state = new State();
    shows.accept(state);
    return state.entries;
  }

  @Override
  public void parameter(String name, Tensor parameter) {
    add(parameter, name, new Entry(new ArrayList<>(), true, parameter, null));
  }

  @Override
  public void statistic(String name, Tensor statistic) {
    add(statistic, name, new Entry(new ArrayList<>(), false, statistic, null));
  }

  @Override
  public void count(String name, AtomicLong count) {
    add(count, name, new Entry(new ArrayList<>(), false, null, count));
  }

  private void add(Object thing, String name, Entry entry) {
    if (!taken.add(name)) {
      throw new IllegalArgumentException(
          "model: %s is the name of two tensors or counts".formatted(name));
    }
    if (known.putIfAbsent(thing, entry) == null) {
      entries.add(entry);
    }
    known.get(thing).names().add(name);
  }
}
