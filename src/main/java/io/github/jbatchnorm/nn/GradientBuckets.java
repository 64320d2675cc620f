package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Gradients;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.Communicator;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.MemoryScope;
import io.github.jbatchnorm.memory.Storage;
import java.util.ArrayList;
import java.util.Collection;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * Gradients that are added up over ranks while backward goes on: a bucket of them at a time, those
 * of the last layers first, in the same order on all ranks, whatever order they are found in.
 */
final class GradientBuckets {
  /** Some parameters' gradients, one after the other. */
  private record Bucket(DType dtype, int length, int parameters) {}

  /**
   * Where a parameter's gradient goes.
   *
   * @param number the parameter's, in the order of layers
   * @param from the first element in the bucket
   */
  private record Place(int number, int bucket, int from) {}

  private final Communicator ranks;
  private final List<String> names;
  private final IdentityHashMap<Tensor, Place> places = new IdentityHashMap<>();
  private final List<Bucket> buckets = new ArrayList<>();

  /** What goes round: the same memory in each step. */
  private final Storage[] values;

  private final Storage missing;

  /**
   * Plans buckets.
   *
   * @param parameters by name, in the order of layers
   * @param most the elements of a bucket of more than one parameter
   */
  GradientBuckets(Map<String, Tensor> parameters, int most, Communicator ranks) {
    this.ranks = ranks;
    names = List.copyOf(parameters.keySet());
    Bucket open = new Bucket(DType.F32, 0, 0);
    for (int number = names.size() - 1; number >= 0; number--) {
      Tensor parameter = parameters.get(names.get(number));
      int size = parameter.size();
      boolean fits = open.dtype == parameter.dtype() && size <= most - open.length;
      if (!fits && open.parameters > 0) {
        buckets.add(open);
      }
      open = fits ? open : new Bucket(parameter.dtype(), 0, 0);
      places.put(parameter, new Place(number, buckets.size(), open.length));
      open = new Bucket(open.dtype, open.length + size, open.parameters + 1);
    }
    if (open.parameters > 0) {
      buckets.add(open);
    }
    values = buckets.stream().map(b -> kept(b.dtype, b.length)).toArray(Storage[]::new);
    missing = kept(DType.F64, names.size());
  }

  private static Storage kept(DType dtype, int length) {
    return MemoryScope.outside(() -> Storage.uninitialized(dtype, length));
  }

  /** Returns the parameters. */
  Collection<Tensor> parameters() {
    return places.keySet();
  }

  /** The sums of one step. */
  final class Step {
    private final int[] found = new int[values.length];
    private final List<Runnable> ends = new ArrayList<>();

    /** Begins. */
    Step() {
      for (int i = 0; i < missing.length(); i++) {
        missing.set(i, 1);
      }
    }

    /** Takes a gradient, and begins to add up what is complete. */
    void add(Tensor parameter, Tensor gradient) {
      Place place = places.get(parameter);
      values[place.bucket].copy(gradient.storage(), 0, place.from, gradient.size());
      missing.set(place.number, 0);
      found[place.bucket]++;
      while (ends.size() < values.length
          && found[ends.size()] == buckets.get(ends.size()).parameters) {
        begin();
      }
    }

    private void begin() {
      ends.add(ranks.beginSum(values[ends.size()]));
    }

    /**
     * Makes the sums the parameters' gradients.
     *
     * @throws IllegalStateException on all ranks, if a gradient was not taken on one
     */
    void end() {
      while (ends.size() < values.length) {
        begin(); // as other ranks have
      }
      ends.forEach(Runnable::run);
      ranks.sum(missing);
      for (int i = 0; i < names.size(); i++) {
        if (missing.get(i) > 0) {
          throw new IllegalStateException(
              "gradients: %s has none on a rank: call backward first".formatted(names.get(i)));
        }
      }
      places.forEach(
          (parameter, place) -> {
            Storage sum = Storage.uninitialized(parameter.dtype(), parameter.size());
            sum.copy(values[place.bucket], place.from, 0, sum.length());
            Gradients.set(parameter, Tensor.constant(sum, parameter.shape()));
          });
    }
  }
}
