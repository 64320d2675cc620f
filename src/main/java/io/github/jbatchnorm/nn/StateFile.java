package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.nn.io.Stored;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;

/**
 * State of models and optimizers to the tensors of a file, and back. What a model has in several
 * places is saved once, by the first of its names; a file may have it under any of them.
 */
public final class StateFile {
  /** What may differ between a file and the state that it is loaded to. */
  public enum Allowed {
    /** The names: what is missing stays as it is, what is unexpected is left out. */
    NAMES,
    /** The dtypes: f16, bf16, f32 and f64 are rounded to the state's, integers go to counts. */
    DTYPES
  }

  /**
   * The names in which a file and a state differ.
   *
   * @param missing what the file has not got, in the state's order
   * @param unexpected what the state has not got, in alphabetical order
   */
  public record Differences(List<String> missing, List<String> unexpected) {
    /**
     * Copies the lists.
     *
     * @param missing what the file has not got, in the state's order
     * @param unexpected what the state has not got, in alphabetical order
     */
    public Differences {
      missing = List.copyOf(Objects.requireNonNull(missing, "missing"));
      unexpected = List.copyOf(Objects.requireNonNull(unexpected, "unexpected"));
    }
  }

  private StateFile() {}

  /**
   * {@return copies of all that {@code state} shows a visitor, by name}
   *
   * @param state what shows a visitor all of it
   * @throws IllegalArgumentException if two things have one name
   */
  public static Map<String, Stored> save(Consumer<StateVisitor> state) {
    Objects.requireNonNull(state, "state");
    Map<String, Stored> saved = new LinkedHashMap<>();
    for (State.Entry entry : State.of(state)) {
      saved.put(entry.name(), entry.stored());
    }
    return saved;
  }

  /**
   * Changes all that {@code state} shows a visitor to what was saved; nothing at all if something
   * does not fit.
   *
   * @param saved tensors by name
   * @param state what shows a visitor all of it
   * @param allowed what may differ; nothing by default. Shapes never may
   * @return the differences in names, none unless {@link Allowed#NAMES} are allowed to differ
   * @throws IllegalArgumentException if a tensor is missing, has another shape or dtype, is not
   *     known, or is there under two names with different elements, or if a count is negative
   */
  public static Differences load(
      Map<String, Stored> saved, Consumer<StateVisitor> state, Allowed... allowed) {
    Objects.requireNonNull(saved, "saved");
    Objects.requireNonNull(state, "state");
    Objects.requireNonNull(allowed, "allowed");
    Set<Allowed> may = Set.copyOf(Arrays.asList(allowed));
    Set<String> unexpected = new TreeSet<>(saved.keySet());
    List<String> missing = new ArrayList<>();
    Map<State.Entry, Stored> found = new LinkedHashMap<>();
    for (State.Entry entry : State.of(state)) {
      entry.names().forEach(unexpected::remove);
      List<String> names = entry.names().stream().filter(saved::containsKey).toList();
      if (names.isEmpty()) {
        missing.add(entry.name());
      } else {
        found.put(entry, same(names, saved));
        entry.check(names.get(0), saved.get(names.get(0)), may.contains(Allowed.DTYPES));
      }
    }
    if (!may.contains(Allowed.NAMES)) {
      refuse(missing, "is missing");
      refuse(unexpected, "no such tensor here");
    }
    found.forEach(State.Entry::take);
    return new Differences(missing, List.copyOf(unexpected));
  }

  private static Stored same(List<String> names, Map<String, Stored> saved) {
    Stored first = saved.get(names.get(0));
    for (String name : names) {
      if (!saved.get(name).equals(first)) {
        throw new IllegalArgumentException(
            "%s, %s: are one tensor here, and differ in what was saved"
                .formatted(names.get(0), name));
      }
    }
    return first;
  }

  private static void refuse(Iterable<String> names, String problem) {
    for (String name : names) {
      throw new IllegalArgumentException("%s: %s".formatted(name, problem));
    }
  }
}
