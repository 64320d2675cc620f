package io.github.jbatchnorm.nn.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.MemoryScope;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Streams of any source through a loader of any number of threads. */
class SampleStreamTest {
  private static final List<Integer> NUMBERS = IntStream.range(0, 100).boxed().toList();

  private static Batch batch(List<Integer> numbers) {
    int[] labels = numbers.stream().mapToInt(Integer::intValue).toArray();
    return new Batch(Tensor.ofInts(labels), labels);
  }

  private static List<List<Integer>> batches(SampleStream<Batch> stream, int workers) {
    List<List<Integer>> all = new ArrayList<>();
    try (DataLoader loader = new DataLoader(stream, 2, workers)) {
      while (loader.hasNext()) {
        all.add(IntStream.of(loader.next().labels()).boxed().toList());
      }
      assertThatThrownBy(loader::next).isInstanceOf(NoSuchElementException.class);
    }
    return all;
  }

  private static <T> List<T> values(SampleStream<T> stream) {
    List<T> values = new ArrayList<>();
    for (Iterator<Supplier<T>> all = stream.tasks(); all.hasNext(); ) {
      values.add(all.next().get());
    }
    return values;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7})
  void batchesAndTheirOrderAreTheSameForAnyNumberOfThreads(int workers) {
    SampleStream<Batch> stream =
        SampleStream.of(NUMBERS)
            .shuffled(10, 3, 1)
            .map(4, 1, (number, random) -> 1000 * number + random.nextInt(1000))
            .grouped(8)
            .map(SampleStreamTest::batch);
    List<List<Integer>> expected =
        values(stream.map(b -> IntStream.of(b.labels()).boxed().toList()));
    for (int round = 0; round < 20; round++) {
      assertThat(batches(stream, workers)).isEqualTo(expected);
    }
    assertThat(expected).hasSize(13);
    assertThat(expected.get(12)).hasSize(4);
  }

  @Test
  void shuffledHasEachOnceInAnOrderOfSeedAndEpoch() {
    SampleStream<Integer> stream = SampleStream.of(NUMBERS);
    List<Integer> first = values(stream.shuffled(20, 3, 1));
    assertThat(first).isNotEqualTo(NUMBERS).containsExactlyInAnyOrderElementsOf(NUMBERS);
    assertThat(values(stream.shuffled(20, 3, 1))).isEqualTo(first);
    assertThat(values(stream.shuffled(20, 3, 2))).isNotEqualTo(first);
    assertThat(values(stream.shuffled(20, 4, 1))).isNotEqualTo(first);
    assertThat(values(stream.shuffled(1, 3, 1))).isEqualTo(NUMBERS);
    for (int i = 0; i < 100; i++) {
      assertThat(first.get(i)).isLessThan(i + 20); // as far as the buffer goes
    }
    assertThat(values(stream.shuffled(1000, 3, 1)).subList(0, 20)).anyMatch(number -> number >= 50);
  }

  /** Drawing from a full buffer is fair: the first comes from each place about equally often. */
  @Test
  void everyOrderOfAFullBufferComesUp() {
    int[] counts = new int[6];
    for (int seed = 0; seed < 600; seed++) {
      List<Integer> order = values(SampleStream.of(List.of(0, 1, 2)).shuffled(3, seed, 1));
      counts[2 * order.get(0) + (order.get(1) > order.get(2) ? 1 : 0)]++;
    }
    assertThat(IntStream.of(counts)).allMatch(count -> count > 60 && count < 150);
  }

  @Test
  void mapsAndGroupsComposeAndSkipComputesNothing() {
    AtomicInteger calls = new AtomicInteger();
    SampleStream<String> texts =
        SampleStream.of(NUMBERS)
            .map(
                number -> {
                  calls.incrementAndGet();
                  return "n" + number;
                });
    assertThat(values(texts.skip(97))).containsExactly("n97", "n98", "n99");
    assertThat(calls).hasValue(3);
    assertThat(values(texts.skip(101))).isEmpty();
    assertThat(values(texts.skip(95).grouped(2)))
        .containsExactly(List.of("n95", "n96"), List.of("n97", "n98"), List.of("n99"));
    assertThat(values(texts.skip(95).wholeGroups(2)))
        .containsExactly(List.of("n95", "n96"), List.of("n97", "n98"));
    assertThat(values(SampleStream.of(List.<Integer>of()).grouped(3))).isEmpty();
  }

  @Test
  void eachHasRandomNumbersOfItsPlace() {
    SampleStream<Integer> drawn =
        SampleStream.of(NUMBERS).map(1, 2, (number, random) -> random.nextInt());
    List<Integer> all = values(drawn);
    assertThat(Set.copyOf(all)).hasSizeGreaterThan(95);
    assertThat(values(drawn.skip(60))).isEqualTo(all.subList(60, 100));
    SampleStream<Integer> other =
        SampleStream.of(NUMBERS).map(1, 3, (Integer n, RandomGenerator r) -> r.nextInt());
    assertThat(values(other)).isNotEqualTo(all);
  }

  /** Three at once: none goes on before the others have come. */
  @Test
  void functionsRunSideBySide() throws InterruptedException {
    CyclicBarrier barrier = new CyclicBarrier(3);
    Set<Thread> threads = ConcurrentHashMap.newKeySet();
    SampleStream<Batch> stream =
        SampleStream.of(NUMBERS.subList(0, 3))
            .map(
                number -> {
                  threads.add(Thread.currentThread());
                  await(barrier);
                  return batch(List.of(number));
                });
    assertThat(batches(stream, 3)).containsExactly(List.of(0), List.of(1), List.of(2));
    assertThat(threads).hasSize(3);
    for (Thread thread : threads) {
      thread.join();
    }
  }

  private static void await(CyclicBarrier barrier) {
    try {
      barrier.await(1, TimeUnit.MINUTES);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** The source is read ahead by what may be ready, and by a batch for each thread, no further. */
  @Test
  void sourceIsReadAsFarAheadAsIsAllowed() throws InterruptedException {
    AtomicInteger read = new AtomicInteger();
    CountDownLatch enough = new CountDownLatch(5);
    Iterable<Integer> endless =
        () ->
            IntStream.generate(
                    () -> {
                      enough.countDown();
                      return read.getAndIncrement();
                    })
                .iterator();
    SampleStream<Batch> stream = SampleStream.of(endless).map(number -> batch(List.of(number)));
    try (DataLoader loader = new DataLoader(stream, 3, 2)) {
      enough.await();
      assertThat(loader.next().labels()).containsExactly(0);
      assertThat(loader.next().labels()).containsExactly(1);
      assertThat(read.get()).isLessThanOrEqualTo(5 + 2 + 1); // one more to know that there is one
    }
  }

  @Test
  void whatSourceOrFunctionThrowsComesToTheCallerInItsPlace() {
    SampleStream<Batch> broken =
        SampleStream.of(NUMBERS)
            .map(
                number -> {
                  if (number == 2) {
                    throw new IllegalArgumentException("2 is broken");
                  }
                  return batch(List.of(number));
                });
    assertFailsAtTwo(broken, "2 is broken");
    Iterable<Integer> source =
        () ->
            IntStream.range(0, 5)
                .peek(
                    number -> {
                      if (number == 2) {
                        throw new IllegalArgumentException("no 2 to be read");
                      }
                    })
                .iterator();
    assertFailsAtTwo(
        SampleStream.of(source).map(number -> batch(List.of(number))), "no 2 to be read");
  }

  private static void assertFailsAtTwo(SampleStream<Batch> stream, String message) {
    try (DataLoader loader = new DataLoader(stream, 4, 3)) {
      assertThat(loader.next().labels()).containsExactly(0);
      assertThat(loader.next().labels()).containsExactly(1);
      assertThat(loader.hasNext()).isTrue();
      assertThatThrownBy(loader::next).hasMessage(message);
      assertThat(loader.hasNext()).isFalse();
    }
  }

  @Test
  void batchesBelongToTheCallersScope() {
    SampleStream<Batch> stream = SampleStream.of(NUMBERS).grouped(10).map(SampleStreamTest::batch);
    List<Tensor> seen = new ArrayList<>();
    try (DataLoader loader = new DataLoader(stream, 2, 2)) {
      MemoryScope.run(() -> seen.add(loader.next().x()));
    }
    assertThatThrownBy(() -> seen.get(0).get(0)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void batchSourcesHaveSeveralThreadsToo() {
    Tensor x = Tensor.ofInts(IntStream.range(0, 50).toArray(), 50, 1);
    int[] labels = IntStream.range(0, 50).toArray();
    BatchSource source = BatchSource.shuffled(x, labels, 4, 1, 1);
    List<Integer> inOrder = new ArrayList<>();
    for (int i = 0; i < source.count(); i++) {
      IntStream.of(source.batch(i).labels()).forEach(inOrder::add);
    }
    List<Integer> loaded = new ArrayList<>();
    try (DataLoader loader = new DataLoader(source, 1, 4)) {
      loader.forEachRemaining(batch -> IntStream.of(batch.labels()).forEach(loaded::add));
    }
    assertThat(loaded).isEqualTo(inOrder);
    BatchSource rest = source.from(10);
    assertThat(rest.count()).isEqualTo(3);
    assertThat(rest.size(2)).isEqualTo(2);
    assertThat(rest.batch(0).labels()).isEqualTo(source.batch(10).labels());
    assertThat(source.from(13).count()).isZero();
    assertThatThrownBy(() -> source.from(14)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> rest.batch(3)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void numbersOutOfRangeAreNamed() {
    SampleStream<Integer> stream = SampleStream.of(NUMBERS);
    assertThatThrownBy(() -> stream.shuffled(0, 1, 1))
        .hasMessage("buffer: expected 1 or more, got 0");
    assertThatThrownBy(() -> stream.grouped(0)).hasMessage("size: expected 1 or more, got 0");
    assertThatThrownBy(() -> stream.skip(-1)).hasMessage("count: expected 0 or more, got -1");
    SampleStream<Batch> batches = stream.grouped(2).map(SampleStreamTest::batch);
    assertThatThrownBy(() -> new DataLoader(batches, 1, 0))
        .hasMessage("workers: expected 1 or more, got 0");
    assertThatThrownBy(() -> new DataLoader(batches, 0, 1))
        .hasMessage("prefetch: expected 1 or more, got 0");
  }
}
