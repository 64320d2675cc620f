package io.github.jbatchnorm.interop;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.nn.StateFile;
import io.github.jbatchnorm.nn.StateVisitor;
import io.github.jbatchnorm.nn.io.Stored;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * What came of loading a file's tensors into a model by their names.
 *
 * @param matched names of what was loaded, in the model's order
 * @param missing names of what the file has not got, in the model's order
 * @param unexpected names of what the model has not got, in alphabetical order
 * @param mismatched lines on what has another shape, or integers for numbers, in the model's order
 */
public record LoadReport(
    List<String> matched, List<String> missing, List<String> unexpected, List<String> mismatched) {
  /**
   * Copies the lists.
   *
   * @param matched names of what was loaded
   * @param missing names of what the file has not got
   * @param unexpected names of what the model has not got
   * @param mismatched lines on what does not fit
   */
  public LoadReport {
    matched = List.copyOf(Objects.requireNonNull(matched, "matched"));
    missing = List.copyOf(Objects.requireNonNull(missing, "missing"));
    unexpected = List.copyOf(Objects.requireNonNull(unexpected, "unexpected"));
    mismatched = List.copyOf(Objects.requireNonNull(mismatched, "mismatched"));
  }

  /**
   * Loads all tensors that a model has under the same names and in the same shapes, rounded to its
   * dtypes, and leaves the rest of it as it is.
   *
   * @param tensors by name
   * @param model what shows a visitor its state: {@code layer::visit}
   * @return what was loaded, and what was not
   * @throws IllegalArgumentException if one tensor of the model is there under two names with
   *     different elements, or if a count is negative; nothing is loaded then
   */
  public static LoadReport load(Map<String, Stored> tensors, Consumer<StateVisitor> model) {
    Objects.requireNonNull(tensors, "tensors");
    Objects.requireNonNull(model, "model");
    LoadReport report = compare(tensors, model);
    Map<String, Stored> fitting = new LinkedHashMap<>();
    report.matched.forEach(name -> fitting.put(name, tensors.get(name)));
    StateFile.load(fitting, model, StateFile.Allowed.NAMES, StateFile.Allowed.DTYPES);
    return report;
  }

  /**
   * {@return what {@link #load} would load, and what not}
   *
   * @param tensors by name
   * @param model what shows a visitor its state
   */
  public static LoadReport compare(Map<String, Stored> tensors, Consumer<StateVisitor> model) {
    Objects.requireNonNull(tensors, "tensors");
    Objects.requireNonNull(model, "model");
    Comparison comparison = new Comparison(tensors);
    model.accept(comparison);
    return new LoadReport(
        comparison.matched,
        comparison.missing,
        List.copyOf(comparison.unexpected),
        comparison.mismatched);
  }

  /** {@return whether file and model have the same tensors} */
  public boolean isComplete() {
    return missing.isEmpty() && unexpected.isEmpty() && mismatched.isEmpty();
  }

  /** Returns the lists, one a line. */
  @Override
  public String toString() {
    return "loaded: %s\nmissing: %s\nunexpected: %s\nmismatched: %s"
        .formatted(matched, missing, unexpected, mismatched);
  }

  private static final class Comparison implements StateVisitor {
    private final Map<String, Stored> tensors;
    private final List<String> matched = new ArrayList<>();
    private final List<String> missing = new ArrayList<>();
    private final TreeSet<String> unexpected;
    private final List<String> mismatched = new ArrayList<>();

    Comparison(Map<String, Stored> tensors) {
      this.tensors = tensors;
      this.unexpected = new TreeSet<>(tensors.keySet());
    }

    private void compare(String name, boolean counts, int... shape) {
      Stored stored = tensors.get(name);
      unexpected.remove(name);
      if (stored == null) {
        missing.add(name);
        return;
      }
      boolean number = stored.type().isInteger() || stored.type() == Stored.Type.BOOL;
      if (Arrays.equals(stored.shape(), shape) && number == counts) {
        matched.add(name);
      } else {
        mismatched.add(
            "%s: expected %s of shape %s, got %s"
                .formatted(
                    name,
                    counts ? "an integer" : "floating-point numbers",
                    Arrays.toString(shape),
                    stored));
      }
    }

    @Override
    public void parameter(String name, Tensor parameter) {
      compare(name, false, parameter.shape());
    }

    @Override
    public void statistic(String name, Tensor statistic) {
      compare(name, false, statistic.shape());
    }

    @Override
    public void count(String name, AtomicLong count) {
      compare(name, true);
    }
  }
}
