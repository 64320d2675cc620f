package io.github.jbatchnorm.nn.data;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.NoSuchElementException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** A loader that another thread closes while a batch is waited for. */
class DataLoaderCloseTest {
  /** Has batches that never come: an interrupt ends the wait for one. */
  private static final class Endless implements BatchSource {
    @Override
    public int count() {
      return 5;
    }

    @Override
    public Batch batch(int index) {
      try {
        new CountDownLatch(1).await();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
      throw new IllegalStateException("waited for nothing");
    }
  }

  private static void awaitWaiting(Thread thread) {
    while (thread.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
  }

  @Test
  void whoWaitsLearnsThatThereIsNoBatch() {
    for (int round = 0; round < 5; round++) {
      DataLoader loader = new DataLoader(new Endless(), 2);
      Thread waiting = Thread.currentThread();
      CompletableFuture<Void> closing =
          CompletableFuture.runAsync(
              () -> {
                awaitWaiting(waiting);
                loader.close();
              });
      assertThatThrownBy(loader::next).isInstanceOf(NoSuchElementException.class);
      closing.join();
      assertThatThrownBy(loader::next).isInstanceOf(NoSuchElementException.class);
    }
  }
}
