package io.github.jbatchnorm.nn.io;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.ChildJvm;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process that saves is killed: the file is the older or the newer one, whole. */
@Tag("starts-java")
class KilledWhileSavingTest {
  private static final int KILLS = Integer.getInteger("jbatchnorm.test.kills", 8);

  @TempDir private Path folder;

  @Test
  void theFileIsWhole() throws Exception {
    Path file = folder.resolve("model.safetensors");
    SaveForever.contents(0).write(file);
    SplittableRandom random = new SplittableRandom(KILLS);
    for (int i = 0; i < KILLS; i++) {
      Process process =
          new ProcessBuilder(ChildJvm.with().command(SaveForever.class, file.toString()))
              .inheritIO()
              .start();
      waitForAnotherFile(file, process);
      TimeUnit.MICROSECONDS.sleep(random.nextInt(20_000)); // at any point of a save
      process.destroyForcibly().waitFor();
      assertThat(Safetensors.read(file)).isIn(SaveForever.contents(0), SaveForever.contents(1));
    }
  }

  /** Waits until the process saves: the file that it moves there is another one. */
  private static void waitForAnotherFile(Path file, Process process) throws Exception {
    Object before = Files.readAttributes(file, "unix:ino").get("ino");
    while (before.equals(Files.readAttributes(file, "unix:ino").get("ino"))) {
      assertThat(process.isAlive()).isTrue();
    }
  }
}
