package io.github.jbatchnorm.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.ChildJvm;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.nn.functional.Functions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The first batch normalization of a JVM does not wait for what it does not need. */
@Tag("starts-java")
class StartTest {
  /** Normalizes once, natively. */
  static final class First {
    private First() {}

    public static void main(String[] args) {
      Functions.batchnorm(Tensor.of(new float[] {1, 2, 3, 4}, 2, 2), null, null, 1e-5);
      System.out.println(Kernels.current().name());
    }
  }

  @Test
  void loadsNoneOfTheJdksSlowParts() throws Exception {
    String output =
        ChildJvm.with("-Xlog:class+load", "-Djbatchnorm.kernel=native").run(First.class);
    assertThat(output)
        .contains("\nnative\n")
        .endsWith("status=0")
        .contains(" io.github.jbatchnorm.jni.Abi ")
        .doesNotContain(
            "java.lang.management.", // the machine's memory
            "java.security.SecureRandom"); // names of temporary files
  }
}
