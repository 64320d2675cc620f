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
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Gradients that are added up over ranks while backward goes on: a bucket of them at a time, those
 * of the last layers first, in the same order on all ranks, whatever order they are found in.
 */
final class GradientBuckets {
  /** Marks of gradients are so small that sums of their squares are exact for 4,096 ranks. */
  private static final int MARKS = (1 << 20) - 1;

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

  /**
   * The batch norms that see the whole batch, by the parameters whose gradients are of all of it.
   */
  private final IdentityHashMap<Tensor, BatchNorm> whole;

  private final List<Bucket> buckets = new ArrayList<>();

  /** What goes round: the same memory in each step. */
  private final Storage[] values;

  /**
   * Of each parameter whether this rank has no gradient; then the sums of marks and of their
   * squares.
   */
  private final Storage missing;

  /** The step whose sums have not ended; null for none. */
  private @Nullable Step open;

  /**
   * Plans buckets.
   *
   * @param parameters by name, in the order of layers
   * @param whole the synchronized batch norms, by their gamma and beta
   * @param most the elements of a bucket of more than one parameter
   */
  GradientBuckets(
      Map<String, Tensor> parameters,
      IdentityHashMap<Tensor, BatchNorm> whole,
      int most,
      Communicator ranks) {
    this.ranks = ranks;
    this.whole = whole;
    names = List.copyOf(parameters.keySet());
    Bucket last = new Bucket(DType.F32, 0, 0);
    for (int number = names.size() - 1; number >= 0; number--) {
      Tensor parameter = parameters.get(names.get(number));
      int size = parameter.size();
      boolean fits = last.dtype == parameter.dtype() && size <= most - last.length;
      if (!fits && last.parameters > 0) {
        buckets.add(last);
      }
      last = fits ? last : new Bucket(parameter.dtype(), 0, 0);
      places.put(parameter, new Place(number, buckets.size(), last.length));
      last = new Bucket(last.dtype, last.length + size, last.parameters + 1);
    }
    if (last.parameters > 0) {
      buckets.add(last);
    }
    values = buckets.stream().map(b -> kept(b.dtype, b.length)).toArray(Storage[]::new);
    missing = kept(DType.F64, names.size() + 2);
  }

  private static Storage kept(DType dtype, int length) {
    return MemoryScope.outside(() -> Storage.uninitialized(dtype, length));
  }

  /** Returns the parameters. */
  Collection<Tensor> parameters() {
    return places.keySet();
  }

  /**
   * The sums of one step. Where backward throws on all ranks, the next step ends them; where it
   * does on one, which goes on, the others hear of gradients that are missing.
   */
  final class Step {
    private final int[] found = new int[values.length];
    private final List<Runnable> ends = new ArrayList<>();
    private int marks;

    /** Begins. */
    Step() {
      if (open != null) {
        open.sum();
      }
      open = this;
      for (int i = 0; i < missing.length(); i++) {
        missing.set(i, 1);
      }
    }

    /** Takes a gradient, and begins to add up what is complete. */
    void add(Tensor parameter, Tensor gradient) {
      Place place = places.get(parameter);
      Storage own = values[place.bucket].slice(place.from, gradient.size());
      own.copyFrom(gradient.storage());
      BatchNorm norm = whole.get(parameter);
      if (norm != null && !norm.hasFrozenStatistics()) {
        takeWhole(place, own);
      }
      missing.set(place.number, 0);
      found[place.bucket]++;
      while (ends.size() < values.length
          && found[ends.size()] == buckets.get(ends.size()).parameters) {
        begin();
      }
    }

    /** All ranks have the same gradient, of all samples: rank 0 gives it, the others nothing. */
    private void takeWhole(Place place, Storage own) {
      CRC32C mark = new CRC32C();
      mark.update(own.bytes());
      marks = (int) ((marks + mark.getValue() * (2L * place.number + 1)) & MARKS);
      for (int i = 0; i < own.length() && ranks.rank() > 0; i++) {
        own.set(i, -0.0); // changes no sum
      }
    }

    private void begin() {
      ends.add(ranks.beginSum(values[ends.size()]));
    }

    private void sum() {
      while (ends.size() < values.length) {
        begin(); // as other ranks have
      }
      ends.forEach(Runnable::run);
      missing.set(names.size(), marks);
      missing.set(names.size() + 1, (double) marks * marks);
      ranks.sum(missing);
      open = null;
    }

    /**
     * Makes the sums the parameters' gradients; a parameter that has none on any rank gets none.
     *
     * @throws IllegalStateException on all ranks, if a gradient was taken on some alone, or one of
     *     a synchronized batch norm is not the same on all
     */
    void end() {
      sum();
      int size = ranks.size();
      for (int i = 0; i < names.size(); i++) {
        if (missing.get(i) > 0 && missing.get(i) < size) {
          throw new IllegalStateException(
              "gradients: %s has one on some ranks and none on others".formatted(names.get(i)));
        }
      }
      // Marks are all the same where the square of their mean is the mean of their squares.
      double marksSum = missing.get(names.size());
      if (size * missing.get(names.size() + 1) != marksSum * marksSum) {
        throw new IllegalStateException(
            "gradients: those of synchronized batch norms differ between ranks: expected that"
                + " their scale and shift are used by them alone, in training");
      }
      places.forEach(
          (parameter, place) -> {
            if (missing.get(place.number) == 0) {
              Storage sum = Storage.uninitialized(parameter.dtype(), parameter.size());
              sum.copy(values[place.bucket], place.from, 0, sum.length());
              Gradients.set(parameter, Tensor.constant(sum, parameter.shape()));
            }
          });
    }
  }
}
