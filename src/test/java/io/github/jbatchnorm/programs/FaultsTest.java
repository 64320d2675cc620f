package io.github.jbatchnorm.programs;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.ChildJvm;
import java.io.IOException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A full heap, threads that die or are interrupted, threads that race: each in a JVM of its own.
 */
@Tag("starts-java")
class FaultsTest {
  private static String run(String fault, String... options)
      throws IOException, InterruptedException {
    return ChildJvm.with(options).run(Faults.class, fault);
  }

  @Test
  void whatAFullHeapStopsWorksAgain() throws IOException, InterruptedException {
    String output = run("heap", "-Xmx20m", "-XX:+UseSerialGC", "-Djbatchnorm.maxMemory=64m");
    assertThat(output).containsPattern("failed=[1-9]").endsWith("status=0");
  }

  @Test
  void memoryOfThreadsThatDiedComesBack() throws IOException, InterruptedException {
    assertThat(run("threads", "-Xmx32m", "-Djbatchnorm.maxMemory=64m"))
        .isEqualTo("died=100\nstatus=0");
  }

  @Test
  void interruptedThreadsComputeTheSameBits() throws IOException, InterruptedException {
    assertThat(run("interrupts")).isEqualTo("right=800\nstatus=0");
  }

  @Test
  void racesEndInAnExceptionOrInOtherValues() throws IOException, InterruptedException {
    assertThat(run("race")).isEqualTo("computed\nstatus=0");
  }
}
