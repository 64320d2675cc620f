package io.github.jbatchnorm.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.kernel.Kernels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Two executors, each a process of its own that has Spark's jars and the application's: the bits of
 * one machine, whatever happens to them.
 */
class ClusterTest {
  @TempDir private static Path jars;
  private static SparkSession session;

  @TempDir private Path folder;

  @BeforeAll
  static void start() throws IOException {
    session = SparkHome.make(jars).session().master("local-cluster[2,1,1024]").getOrCreate();
  }

  @AfterAll
  static void stop() {
    session.stop();
  }

  @Test
  void executorsAreProcessesThatComputeNatively() {
    MapPartitionsFunction<Row, String> describe =
        rows -> List.of(ProcessHandle.current().pid() + " " + Kernels.current().name()).iterator();
    Set<String> found =
        new TreeSet<>(
            Data.dataset(session, 16, 1)
                .repartition(16)
                .mapPartitions(describe, Encoders.STRING())
                .collectAsList());
    long own = ProcessHandle.current().pid();
    assertThat(found).isNotEmpty().allMatch(process -> process.endsWith(" native"));
    assertThat(found).noneMatch(process -> process.startsWith(own + " "));
  }

  /** Copies are another test's: one host gets none of its own tasks. */
  @ParameterizedTest
  @EnumSource(value = Faulty.Fault.class, mode = EnumSource.Mode.EXCLUDE, names = "WAITS_FOR_COPY")
  void bitsAreThoseOfOneMachineWhateverHappensToTasks(Faulty.Fault fault) throws IOException {
    SameBits.check(session, fault, folder);
  }
}
