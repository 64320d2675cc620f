package io.github.jbatchnorm.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.ChildJvm;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.functional.Functions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a process is started with does not bind its threads, or end it. */
@Tag("starts-java")
class SurroundingsTest {
  /** Prints on how many processors a new thread may run, before and after a call. */
  static final class PrintProcessors {
    private PrintProcessors() {}

    public static void main(String[] args) {
      int before = Runtime.getRuntime().availableProcessors();
      Functions.batchnorm(Tensor.of(new float[] {1, 2}, 2, 1), null, null, 1e-5);
      System.out.println("all kept=" + (before == Runtime.getRuntime().availableProcessors()));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "OMP_PROC_BIND=true",
        "OMP_PROC_BIND=close",
        "OMP_PLACES=cores",
        "GOMP_CPU_AFFINITY=0"
      })
  void settingsThatBindOpenMpsThreadsLeaveTheJvmsAlone(String setting) throws Exception {
    ProcessBuilder builder = new ProcessBuilder(ChildJvm.with().command(PrintProcessors.class));
    String[] pair = setting.split("=", 2);
    builder.environment().put(pair[0], pair[1]);
    assertThat(ChildJvm.run(builder)).contains("all kept=true").endsWith("status=0");
  }

  /** Holds more than JavaCPP's own limit, four times the heap, and then multiplies matrices. */
  static final class HoldMuch {
    private HoldMuch() {}

    public static void main(String[] args) {
      long much = 4 * Runtime.getRuntime().maxMemory() + (64L << 20);
      List<Tensor> held = new ArrayList<>();
      for (long bytes = 0; bytes < much; bytes += 64L << 20) {
        held.add(Tensors.ones(DType.F32, 16 << 20).asConstant());
      }
      Tensor x = Tensor.of(new float[] {1, 2, 3, 4}, 2, 2);
      for (int i = 0; i < 2; i++) {
        System.out.println(Arrays.toString(x.matmul(x).toDoubleArray()) + " " + held.size());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"openblas", "ordered"})
  void tensorsMayHoldMoreThanJavaCppAllows(String products) throws Exception {
    String output =
        ChildJvm.with("-Xmx64m", "-Djbatchnorm.maxMemory=2g", "-Djbatchnorm.matmul=" + products)
            .run(HoldMuch.class);
    assertThat(output).contains("[7.0, 10.0, 15.0, 22.0]").endsWith("status=0");
  }
}
