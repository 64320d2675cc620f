package io.github.jbatchnorm.programs;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.ChildJvm;
import java.io.IOException;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Random programs natively and in Java, on one thread and on several: the same bits.
 *
 * <p>More of them: {@code -Djbatchnorm.test.programs=100000}; others: {@code
 * -Djbatchnorm.test.seed=2}.
 */
@Tag("starts-java")
class ProgramBitsTest {
  private static final String PROGRAMS = System.getProperty("jbatchnorm.test.programs", "200");
  private static final String SEED = System.getProperty("jbatchnorm.test.seed", "0");

  private static String[] hashes(String... options) throws IOException, InterruptedException {
    String output = ChildJvm.with(options).run(ProgramBits.class, PROGRAMS, SEED);
    assertThat(output).endsWith("status=0");
    return output.split("\n");
  }

  @Test
  void nativelyAndInJava() throws IOException, InterruptedException {
    String[] expected = hashes("-Djbatchnorm.kernel=java");
    String[] found = hashes("-Djbatchnorm.matmul=ordered", "-Djbatchnorm.threads=3");
    SplittableRandom random = new SplittableRandom(Long.parseLong(SEED));
    assertThat(found).hasSameSizeAs(expected).hasSize(Integer.parseInt(PROGRAMS) + 1);
    for (int i = 0; i + 1 < expected.length; i++) {
      Program program = ProgramBits.program(random);
      assertThat(found[i]).as(program.toString()).isEqualTo(expected[i]);
    }
  }
}
