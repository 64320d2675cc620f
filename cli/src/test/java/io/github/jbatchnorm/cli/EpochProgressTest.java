package io.github.jbatchnorm.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** What goes to a file or a log while a network trains. */
class EpochProgressTest {
  private static final long SECOND = 1_000_000_000;

  @Test
  void plainLinesComeAfterTenSecondsAndNotAtTheEnd() {
    List<String> lines = new ArrayList<>();
    AtomicLong time = new AtomicLong(5);
    try (EpochProgress progress =
        new EpochProgress("epoch 1, without", 100, lines::add, time::get, false)) {
      for (int batch = 0; batch < 10; batch++) {
        time.addAndGet(4 * SECOND);
        progress.trained(10, 0.5);
      }
      assertThat(progress.imagesPerSecond()).isEqualTo(2.5);
    }
    assertThat(lines)
        .containsExactly(
            "epoch 1, without: 30 of 100 images, loss 0.5000, 3 images/s",
            "epoch 1, without: 60 of 100 images, loss 0.5000, 3 images/s",
            "epoch 1, without: 90 of 100 images, loss 0.5000, 3 images/s");
  }

  @Test
  void shortEpochSaysNothing() {
    List<String> lines = new ArrayList<>();
    AtomicLong time = new AtomicLong();
    try (EpochProgress progress =
        new EpochProgress("epoch 1, without", 100, lines::add, time::get, false)) {
      time.addAndGet(9 * SECOND);
      progress.trained(100, 0.5);
    }
    assertThat(lines).isEmpty();
  }
}
