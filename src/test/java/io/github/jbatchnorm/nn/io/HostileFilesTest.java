package io.github.jbatchnorm.nn.io;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.ChildJvm;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that mean harm, read with little heap: docs/reliability.md has the long run's command. */
@Tag("starts-java")
class HostileFilesTest {
  @TempDir private Path folder;

  @Test
  void changedFilesAreReadOrRefusedByName() throws Exception {
    String count = System.getProperty("jbatchnorm.test.files", "1000");
    String output =
        ChildJvm.with("-Xmx128m").run(HostileFiles.class, count, "1", folder.toString());
    assertThat(output).endsWith("status=0").hasLineCount(HostileFormat.values().length + 1);
  }

  @Test
  void whatTakesMoreMemoryThanThereIsIsRefusedByName() throws Exception {
    assertThat(ChildJvm.with("-Xmx128m").run(Bombs.class, folder.toString()))
        .endsWith("status=0")
        .contains("metadata.safetensors");
  }
}
