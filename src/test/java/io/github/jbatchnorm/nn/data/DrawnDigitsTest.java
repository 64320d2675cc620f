package io.github.jbatchnorm.nn.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;

/** Drawn digits and batches: what is random is chosen by the seed alone. */
class DrawnDigitsTest {
  /** Of 50 images, found on x86 and confirmed by every machine that runs this test. */
  private static final long CHECKSUM_OF_SEED_1 = 3319903827L;

  private static long checksum(ImageSet images, int count) {
    CRC32 crc = new CRC32();
    for (int i = 0; i < count; i++) {
      crc.update(images.label(i));
      for (int row = 0; row < images.rows(); row++) {
        for (int column = 0; column < images.columns(); column++) {
          crc.update(images.pixel(i, row, column));
        }
      }
    }
    return crc.getValue();
  }

  @Test
  void sameSeedDrawsTheSamePixelsOnEveryMachine() {
    assertThat(checksum(DrawnDigits.draw(50, 1), 50)).isEqualTo(CHECKSUM_OF_SEED_1);
  }

  @Test
  void numbersThatCannotBeDrawnAreRefused() {
    assertThat(DrawnDigits.draw(0, 1).count()).isZero();
    for (int count : new int[] {-1, Integer.MIN_VALUE, 1 << 28, Integer.MAX_VALUE}) {
      assertThatThrownBy(() -> DrawnDigits.draw(count, 1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("images (count, height, width): expected sizes of 0 or more");
      assertThatThrownBy(() -> ColorImages.draw(count, 1))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void sizesWhoseProductWrapsAroundAreRefused() {
    assertThatThrownBy(() -> new ImageSet(1 << 30, 1 << 30, new byte[0], new byte[16]))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void anotherSeedDrawsOtherPixels() {
    assertThat(checksum(DrawnDigits.draw(50, 2), 50)).isNotEqualTo(CHECKSUM_OF_SEED_1);
  }

  @Test
  void imageDoesNotDependOnHowManyAreDrawn() {
    assertThat(checksum(DrawnDigits.draw(80, 1), 50)).isEqualTo(CHECKSUM_OF_SEED_1);
  }

  @Test
  void classesAreBalanced() {
    ImageSet images = DrawnDigits.draw(200, 3);
    int[] counts = new int[10];
    for (int i = 0; i < images.count(); i++) {
      counts[images.label(i)]++;
    }
    assertThat(counts).containsOnly(20);
    assertThat(images.classes()).isEqualTo(10);
  }

  @Test
  void shuffledBatchesHoldEachImageOnce() {
    ImageSet images = DrawnDigits.draw(45, 3);
    Batches batches = Batches.shuffled(images, 10, 0, 7, 1);
    int[] counts = new int[10];
    int total = 0;
    for (int batch = 0; batch < batches.count(); batch++) {
      for (int label : batches.labels(batch)) {
        counts[label]++;
        total++;
      }
    }
    assertThat(batches.count()).isEqualTo(5);
    assertThat(total).isEqualTo(45);
    assertThat(counts).containsExactly(5, 5, 5, 5, 5, 4, 4, 4, 4, 4);
    assertThat(batches.images(4).shape()).containsExactly(5, 1, 28, 28);
  }

  @Test
  void orderDependsOnSeedAndEpoch() {
    ImageSet images = DrawnDigits.draw(40, 3);
    int[] first = Batches.shuffled(images, 40, 1, 7, 1).labels(0);
    assertThat(Batches.shuffled(images, 40, 1, 7, 1).labels(0)).isEqualTo(first);
    assertThat(Batches.shuffled(images, 40, 1, 7, 2).labels(0)).isNotEqualTo(first);
    assertThat(Batches.shuffled(images, 40, 1, 8, 1).labels(0)).isNotEqualTo(first);
  }

  @Test
  void shiftMovesAnImageAsAWhole() {
    byte[] pixels = new byte[9];
    pixels[4] = (byte) 255; // the middle of 3 x 3
    ImageSet images = new ImageSet(3, 3, pixels, new byte[1]);
    boolean[] seen = new boolean[9];
    for (int epoch = 0; epoch < 200; epoch++) {
      float[] moved = Batches.shuffled(images, 1, 1, 5, epoch).images(0).toFloatArray();
      float sum = 0;
      for (int i = 0; i < 9; i++) {
        sum += moved[i];
        seen[i] |= moved[i] == 1;
      }
      assertThat(sum).isEqualTo(1);
    }
    assertThat(seen).containsOnly(true);
  }
}
