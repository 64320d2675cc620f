package io.github.jbatchnorm.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.arrays.ArrayFunction;
import io.github.jbatchnorm.arrays.ArrayKernels;
import io.github.jbatchnorm.arrays.NativeArrays;
import io.github.jbatchnorm.arrays.Strided;
import io.github.jbatchnorm.platform.Isa;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Memory goes back when it is dropped or its scope closes, and never past the limit. */
@Tag("jvm")
class MemoryTest {
  private static final int MB = 1 << 20;

  @Test
  void everySizeHasTheSmallestClassThatHoldsIt() {
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < 20_000; i++) {
      int bytes = i < 5000 ? i : random.nextInt(Integer.MAX_VALUE - Block.ALIGNMENT);
      int kind = SizeClass.of(bytes);
      assertThat(SizeClass.capacity(kind)).isGreaterThanOrEqualTo(bytes);
      if (kind > 0) {
        assertThat(SizeClass.capacity(kind - 1)).isLessThan(bytes);
      }
    }
  }

  @Test
  void wasteIsAQuarterAtMost() {
    for (int bytes = 256; bytes < 64 * MB; bytes += bytes / 9) {
      assertThat(SizeClass.capacity(SizeClass.of(bytes))).isLessThanOrEqualTo(bytes * 5L / 4 + 64);
    }
  }

  @Test
  void theLimitIsAskedForOnceMoreThanALittleIsHeld() {
    AtomicInteger asked = new AtomicInteger();
    MemoryPool pool =
        new MemoryPool(
            () -> {
              asked.incrementAndGet();
              return 24L * MB;
            },
            System::nanoTime);
    List<Memory> held = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      held.add(pool.lease(MB, "little"));
    }
    assertThat(asked).hasValue(0);
    held.add(pool.lease(8 * MB, "more"));
    assertThat(asked).hasValue(1);
    assertThatThrownBy(() -> pool.lease(16 * MB, "too much"))
        .isInstanceOf(MemoryLimitException.class);
    assertThat(pool.use().limit()).isEqualTo(24L * MB);
    assertThat(asked).hasValue(1);
    held.forEach(Memory::close);
  }

  @Test
  void closedMemoryIsUsedAgain() {
    MemoryPool pool = new MemoryPool(8L * MB);
    Memory first = pool.lease(MB, "first");
    long address = first.block().address();
    first.close();
    Memory second = pool.lease(MB, "second");
    assertThat(second.block().address()).isEqualTo(address);
    assertThat(pool.use().allocations()).isEqualTo(1);
    assertThat(pool.use().reuses()).isEqualTo(1);
  }

  @Test
  void droppedMemoryComesBackUnderPressure() {
    MemoryPool pool = new MemoryPool(16L * MB);
    for (int i = 0; i < 100; i++) {
      pool.lease(4 * MB, "dropped").block().bytes.put(0, (byte) i);
    }
    assertThat(pool.use().held()).isLessThanOrEqualTo(16L * MB);
    assertThat(pool.use().allocations()).isLessThanOrEqualTo(4);
    assertThat(pool.use().collections()).isPositive();
  }

  @Test
  void otherSizesMakeRoom() {
    MemoryPool pool = new MemoryPool(16L * MB);
    for (int size = 1; size <= 12; size++) {
      for (int i = 0; i < 4; i++) {
        assertThat(pool.lease(size * MB, "size").block().bytes.capacity())
            .isGreaterThanOrEqualTo(size * MB);
      }
    }
    assertThat(pool.use().held()).isLessThanOrEqualTo(16L * MB);
  }

  @Test
  void limitEndsInAnExceptionThatSaysWhatHoldsIt() {
    MemoryPool pool = new MemoryPool(16L * MB);
    List<Memory> held = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      held.add(pool.lease(4 * MB, "Conv"));
    }
    held.add(pool.lease(2 * MB, "Relu"));
    assertThatThrownBy(() -> pool.lease(4 * MB, "Add"))
        .isInstanceOf(MemoryLimitException.class)
        .hasMessage(
            "4.0 MiB asked for: 14.0 MiB held of 16.0 MiB (jbatchnorm.maxMemory), 14.0 MiB of it"
                + " in use, 12.0 MiB by 3 of Conv, 2.0 MiB by 1 of Relu");
    held.remove(0).close();
    assertThat(pool.lease(4 * MB, "Add").block().bytes.capacity()).isEqualTo(4 * MB);
    assertThat(held).hasSize(3);
  }

  @Test
  void memoryThatWasLookedAtThroughAViewIsNotUsedAgain() {
    FloatBuffer view;
    try (MemoryScope scope = MemoryScope.open()) {
      Storage storage = Storage.allocate(DType.F32, 1000);
      view = storage.floats();
      view.put(0, 7);
      assertThat(scope).isNotNull();
    }
    for (int i = 0; i < 50; i++) {
      Storage other = Storage.uninitialized(DType.F32, 1000);
      other.set(0, -1);
    }
    assertThat(view.get(0)).isEqualTo(7);
  }

  @Test
  void useAfterTheScopeThrows() {
    Storage kept;
    Storage closed;
    Storage slice;
    try (MemoryScope scope = MemoryScope.open()) {
      kept = Storage.allocate(DType.F64, 10);
      closed = Storage.allocate(DType.F64, 10);
      slice = closed.slice(2, 3);
      scope.keep(kept);
    }
    assertThat(kept.get(3)).isZero();
    List<Runnable> uses =
        List.of(
            () -> closed.get(0),
            () -> closed.set(0, 1),
            () -> slice.get(0),
            () -> closed.read(0, new double[1], 0, 1),
            () -> closed.write(0, new double[1], 0, 1),
            () -> closed.bytes(),
            () -> closed.copyFrom(kept),
            () -> kept.copyFrom(closed),
            () ->
                ArrayKernels.current()
                    .zip(
                        ArrayFunction.ADD,
                        0,
                        0,
                        new int[] {10},
                        Strided.of(kept, 0, 1),
                        Strided.of(closed, 0, 1),
                        Strided.of(kept, 0, 1)));
    for (Runnable use : uses) {
      assertThatThrownBy(use::run)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("MemoryScope");
    }
  }

  @Test
  void keptMemoryGoesToTheScopeAround() {
    Storage inner;
    try (MemoryScope outer = MemoryScope.open()) {
      try (MemoryScope scope = MemoryScope.open()) {
        inner = Storage.allocate(DType.F32, 4);
        scope.keep(inner);
      }
      assertThat(inner.get(0)).isZero();
      assertThat(outer).isNotNull();
    }
    assertThatThrownBy(() -> inner.get(0)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void whatAnOuterScopeKeepsOutlivesInnerOnesThatKeepItToo() {
    Storage kept;
    try (MemoryScope outer = MemoryScope.open()) {
      try (MemoryScope scope = MemoryScope.open()) {
        kept = Storage.allocate(DType.F32, 4);
        outer.keep(kept);
        scope.keep(kept);
      }
      try (MemoryScope scope = MemoryScope.open()) {
        scope.keep(kept);
      }
    }
    assertThat(kept.get(0)).isZero();
  }

  @Test
  void whatIsAllocatedOutsideStays() {
    Storage stays;
    try (MemoryScope scope = MemoryScope.open()) {
      stays = MemoryScope.outside(() -> Storage.allocate(DType.F32, 4));
      assertThat(scope).isNotNull();
    }
    assertThat(stays.get(0)).isZero();
  }

  @Test
  void scopesCloseInnermostFirst() {
    MemoryScope outer = MemoryScope.open();
    MemoryScope inner = MemoryScope.open();
    assertThatThrownBy(outer::close).isInstanceOf(IllegalStateException.class);
    inner.close();
    inner.close();
    outer.close();
  }

  @Test
  void moreGarbageIsAllowedOnlyWhereCollectingTakesTime() {
    AtomicLong time = new AtomicLong();
    MemoryPool cheap = new MemoryPool(4L << 30, time::get);
    MemoryPool dear = new MemoryPool(4L << 30, () -> time.addAndGet(1000));
    for (int i = 0; i < 200; i++) {
      cheap.lease(16 * MB, "dropped");
      time.incrementAndGet();
    }
    assertThat(cheap.use().held()).isLessThanOrEqualTo(256L * MB);
    for (int i = 0; i < 200; i++) {
      dear.lease(16 * MB, "dropped");
    }
    assertThat(dear.use().held()).isBetween(257L * MB, 1024L * MB);
  }

  @Test
  void whatWasInUseOnceDoesNotCountForEver() {
    MemoryPool pool = new MemoryPool(1L << 30);
    List<Memory> peak = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      peak.add(pool.lease(20 * MB, "peak"));
    }
    assertThat(pool.use().held()).isEqualTo(600L * MB);
    peak.forEach(Memory::close);
    peak.clear();
    for (int i = 0; i < 200; i++) {
      pool.lease(4 * MB, "loop");
    }
    assertThat(pool.use().held()).isLessThan(600L * MB);
  }

  @Test
  void interruptedThreadsGetTheirMemory() {
    MemoryPool pool = new MemoryPool(16L * MB);
    Thread.currentThread().interrupt();
    for (int i = 0; i < 50; i++) {
      pool.lease(4 * MB, "dropped");
    }
    assertThat(Thread.interrupted()).isTrue();
    assertThat(pool.use().held()).isLessThanOrEqualTo(16L * MB);
  }

  @Test
  void closedMemoryThatIsStillReferredToMakesRoom() {
    MemoryPool pool = new MemoryPool(16L * MB);
    List<Memory> closed = new ArrayList<>();
    for (int size = 1; size <= 12; size++) {
      Memory memory = pool.lease(size * MB, "closed");
      memory.close();
      closed.add(memory);
    }
    assertThat(closed).hasSize(12);
    assertThat(pool.use().held()).isLessThanOrEqualTo(16L * MB);
  }

  @Test
  void whatIsGivenBackWhileAnotherThreadAsksIsFound() {
    for (int i = 0; i < 20; i++) {
      MemoryPool pool = new MemoryPool(64L * MB);
      Memory first = pool.lease(40 * MB, "first");
      CompletableFuture<Void> asking = CompletableFuture.runAsync(() -> first.close());
      // Refused only while the first is in use: which comes first is chance, and both are right.
      try {
        assertThat(pool.lease(50 * MB, "second")).isNotNull();
      } catch (MemoryLimitException e) {
        assertThat(e).hasMessageContaining("40.0 MiB of it in use");
      }
      asking.join();
      assertThat(pool.lease(2 * MB, "third")).isNotNull();
    }
  }

  @Test
  void manyThreadsShareALittleMemory() {
    MemoryPool pool = new MemoryPool(64L * MB);
    IntStream.range(0, 8)
        .mapToObj(
            i ->
                CompletableFuture.runAsync(
                    () -> {
                      for (int round = 0; round < 50; round++) {
                        pool.lease((1 + (round + i) % 4) * MB, "dropped");
                      }
                    }))
        .toList()
        .forEach(CompletableFuture::join);
    assertThat(pool.use().held()).isLessThanOrEqualTo(64L * MB);
  }

  @Test
  void whatWasDetachedBelongsToTheScopeThatAdoptsIt() {
    MemoryScope.Detached<Storage> detached;
    try (MemoryScope scope = MemoryScope.open()) {
      detached = MemoryScope.detached(() -> Storage.allocate(DType.F32, 4));
      assertThat(scope).isNotNull();
    }
    Storage storage;
    try (MemoryScope scope = MemoryScope.open()) {
      storage = detached.adopt();
      assertThat(storage.get(0)).isZero();
      assertThat(scope).isNotNull();
    }
    assertThatThrownBy(() -> storage.get(0)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void whatAScopeKeptAnotherMayGiveBack() {
    MemoryScope.Detached<Storage> detached =
        MemoryScope.detached(() -> Storage.allocate(DType.F32, 4));
    try (MemoryScope scope = MemoryScope.open()) {
      scope.keep(detached.adopt());
    }
    Storage storage;
    try (MemoryScope scope = MemoryScope.open()) {
      storage = detached.adopt();
      assertThat(scope).isNotNull();
    }
    assertThatThrownBy(() -> storage.get(0)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void largeBlocksAreWholePages() {
    Storage large = Storage.allocate(DType.F32, 2 * MB);
    large.set(2 * MB - 1, 3);
    assertThat(large.address() % Block.ALIGNMENT).isZero();
    assertThat(large.get(2 * MB - 1)).isEqualTo(3);
    assertThat(Storage.allocate(DType.F32, 3).address() % Block.ALIGNMENT).isZero();
  }

  @Test
  void readOnlyBuffersAreRefused() {
    ByteBuffer buffer = ByteBuffer.allocateDirect(16).order(ByteOrder.nativeOrder());
    ByteBuffer readOnly = buffer.asReadOnlyBuffer().order(ByteOrder.nativeOrder());
    assertThatThrownBy(() -> Storage.wrap(DType.F32, readOnly))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("buffer: expected a writable one");
  }

  @Test
  void memoryIsZeroWhereItIsPromised() {
    for (int i = 0; i < 20; i++) {
      try (MemoryScope scope = MemoryScope.open()) {
        Storage storage = Storage.allocate(DType.F32, 5000);
        for (int at = 0; at < 5000; at++) {
          assertThat(storage.bits(at)).isZero();
          storage.set(at, at + 1);
        }
        assertThat(scope).isNotNull();
      }
    }
  }

  @Test
  void copiedMemoryIsUsedAgain() {
    NativeArrays kernel = new NativeArrays(1, Isa.BEST);
    Storage to = Storage.allocate(DType.F32, 12_345);
    long address;
    try (MemoryScope scope = MemoryScope.open()) {
      Storage from = Storage.allocate(DType.F32, 12_345);
      from.set(12_344, 3);
      kernel.copy(from, to, false);
      address = from.address();
      assertThat(scope).isNotNull();
    }
    assertThat(to.get(12_344)).isEqualTo(3);
    assertThat(Storage.uninitialized(DType.F32, 12_345).address()).isEqualTo(address);
  }
}
