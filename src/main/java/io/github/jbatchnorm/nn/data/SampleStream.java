package io.github.jbatchnorm.nn.data;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * What any Java source gives, one after the other, on its way to a {@link DataLoader}: files, rows
 * of a database, lines; of any number, which need not fit in memory.
 *
 * <pre>{@code
 * SampleStream<Batch> batches =
 *     SampleStream.of(files)
 *         .shuffled(10_000, seed, epoch)
 *         .map(file -> decode(file))
 *         .grouped(32)
 *         .map(images -> new Batch(stacked(images), labels(images)));
 * try (DataLoader loader = new DataLoader(batches, 2, 4)) {
 *   loader.forEachRemaining(batch -> MemoryScope.run(() -> train(batch)));
 * }
 * }</pre>
 *
 * <p>The source is gone through by one thread at a time; the functions are called later, by the
 * loader's threads, several at a time, and must not depend on their order. What comes, and in which
 * order, follows from the source and the seeds, whatever the number of threads. Immutable.
 *
 * @param <T> what comes
 */
public final class SampleStream<T> {
  private final Iterable<Supplier<T>> elements;

  private SampleStream(Iterable<Supplier<T>> elements) {
    this.elements = elements;
  }

  /**
   * {@return a stream of what a source gives}
   *
   * @param <T> what comes
   * @param source gone through once for each loader, from its beginning
   */
  public static <T> SampleStream<T> of(Iterable<? extends T> source) {
    Objects.requireNonNull(source, "source");
    return new SampleStream<>(
        () -> {
          Iterator<? extends T> all = source.iterator();
          return new Elements<>(() -> all.hasNext() ? value(all.next()) : null);
        });
  }

  private static <T> Supplier<T> value(T value) {
    return () -> value;
  }

  /** What comes next, found when someone asks for it; null after the last one. */
  private static final class Elements<T> implements Iterator<Supplier<T>> {
    private final Supplier<@Nullable Supplier<T>> find;
    private @Nullable Supplier<T> found;

    Elements(Supplier<@Nullable Supplier<T>> find) {
      this.find = find;
    }

    @Override
    public boolean hasNext() {
      found = found == null ? find.get() : found;
      return found != null;
    }

    @Override
    public Supplier<T> next() {
      if (!hasNext()) {
        throw new NoSuchElementException("no sample is left");
      }
      Supplier<T> next = Objects.requireNonNull(found);
      found = null;
      return next;
    }
  }

  /** Returns the elements from the beginning on, each still to be computed. */
  Iterator<Supplier<T>> tasks() {
    return elements.iterator();
  }

  /**
   * {@return these in an order that seed and epoch determine, as far as a buffer goes: each is
   * drawn from so many that came from the source, which the next one takes the place of}
   *
   * @param buffer how many are held, 1 or more: all of them make every order possible
   * @param seed of the order
   * @param epoch from 1
   * @throws IllegalArgumentException if buffer is below 1
   */
  public SampleStream<T> shuffled(int buffer, long seed, int epoch) {
    atLeast("buffer", buffer, 1);
    return new SampleStream<>(
        () -> {
          Iterator<Supplier<T>> all = tasks();
          SplittableRandom random = EpochRandom.of(seed, epoch);
          List<Supplier<T>> held = new ArrayList<>();
          return new Elements<>(() -> drawn(all, held, buffer, random));
        });
  }

  /** Fills the buffer, and takes one of it. */
  private static <T> @Nullable Supplier<T> drawn(
      Iterator<Supplier<T>> all, List<Supplier<T>> held, int buffer, RandomGenerator random) {
    while (held.size() < buffer && all.hasNext()) {
      held.add(all.next());
    }
    if (held.isEmpty()) {
      return null;
    }
    int drawn = random.nextInt(held.size());
    Supplier<T> last = held.remove(held.size() - 1);
    return drawn == held.size() ? last : held.set(drawn, last);
  }

  /**
   * {@return what a function makes of each}
   *
   * @param <R> what it makes
   * @param function called by the loader's threads
   */
  public <R> SampleStream<R> map(Function<? super T, ? extends R> function) {
    Objects.requireNonNull(function, "function");
    return each(element -> () -> function.apply(element.get()));
  }

  /**
   * {@return what a function makes of each with random numbers, as training images are moved: each
   * has a generator of its own, which seed, epoch and its place in the stream determine}
   *
   * @param <R> what it makes
   * @param seed of the numbers
   * @param epoch from 1
   * @param function called by the loader's threads
   */
  public <R> SampleStream<R> map(
      long seed, int epoch, BiFunction<? super T, RandomGenerator, ? extends R> function) {
    Objects.requireNonNull(function, "function");
    return new SampleStream<>(
        () -> {
          SplittableRandom random = EpochRandom.of(seed, epoch);
          return this.<R>each(
                  element -> {
                    SplittableRandom own = random.split();
                    return () -> function.apply(element.get(), own);
                  })
              .tasks();
        });
  }

  private <R> SampleStream<R> each(Function<Supplier<T>, Supplier<R>> function) {
    return new SampleStream<>(
        () -> {
          Iterator<Supplier<T>> all = tasks();
          return new Elements<>(() -> all.hasNext() ? function.apply(all.next()) : null);
        });
  }

  /**
   * {@return these without the first ones, of which nothing is computed: to go on in the middle of
   * an epoch}
   *
   * @param count how many are left out, 0 or more
   * @throws IllegalArgumentException if count is below 0
   */
  public SampleStream<T> skip(long count) {
    if (count < 0) {
      throw new IllegalArgumentException("count: expected 0 or more, got " + count);
    }
    return new SampleStream<>(
        () -> {
          Iterator<Supplier<T>> all = tasks();
          for (long i = 0; i < count && all.hasNext(); i++) {
            all.next();
          }
          return all;
        });
  }

  /**
   * {@return so many at a time; the last group may be smaller}
   *
   * @param size of a group, 1 or more
   * @throws IllegalArgumentException if size is below 1
   */
  public SampleStream<List<T>> grouped(int size) {
    return grouped(size, 1);
  }

  /**
   * {@return so many at a time, without a last group that is smaller}
   *
   * @param size of a group, 1 or more
   * @throws IllegalArgumentException if size is below 1
   */
  public SampleStream<List<T>> wholeGroups(int size) {
    return grouped(size, size);
  }

  private SampleStream<List<T>> grouped(int size, int least) {
    atLeast("size", size, 1);
    return new SampleStream<>(
        () -> {
          Iterator<Supplier<T>> all = tasks();
          return new Elements<>(() -> group(all, size, least));
        });
  }

  private static <T> @Nullable Supplier<List<T>> group(
      Iterator<Supplier<T>> all, int size, int least) {
    List<Supplier<T>> group = new ArrayList<>();
    while (group.size() < size && all.hasNext()) {
      group.add(all.next());
    }
    return group.size() < least ? null : () -> group.stream().map(Supplier::get).toList();
  }

  private static void atLeast(String name, int value, int least) {
    if (value < least) {
      throw new IllegalArgumentException(
          "%s: expected %s or more, got %s".formatted(name, least, value));
    }
  }
}
