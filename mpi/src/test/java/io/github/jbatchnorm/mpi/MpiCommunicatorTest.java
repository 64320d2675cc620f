package io.github.jbatchnorm.mpi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.jbatchnorm.nn.io.Safetensors;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Ranks are processes that mpirun starts. */
@Timeout(120)
class MpiCommunicatorTest {
  @ParameterizedTest
  @CsvSource({"2, native", "3, native", "4, native", "3, java"})
  void sharesHaveTheBitsOfTheWhole(int ranks, String kernel) throws Exception {
    List<String> options = List.of("-Djbatchnorm.kernel=" + kernel);
    String output = Ranks.run(ranks, options, SharedCalls.class.getName(), "bits");
    for (int rank = 0; rank < ranks; rank++) {
      assertThat(output).contains("rank " + rank + " differing 0");
    }
    assertThat(output).endsWith("status=0");
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void sumsAreInTheOrderOfRanks(int ranks) throws Exception {
    String output = Ranks.run(ranks, List.of(), SharedCalls.class.getName(), "sum");
    for (int rank = 0; rank < ranks; rank++) {
      assertThat(output).contains("rank " + rank + " sums true");
    }
    assertThat(output).endsWith("status=0");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void sumsGoOnWhileOtherCallsAreMade(int ranks) throws Exception {
    String output = Ranks.run(ranks, List.of(), SharedCalls.class.getName(), "meanwhile");
    for (int rank = 0; rank < ranks; rank++) {
      assertThat(output)
          .contains(
              "rank %s meanwhile true, beginSum: expected ends in the order of beginnings, once"
                  .formatted(rank));
    }
    assertThat(output).endsWith("status=0");
  }

  @Test
  void sumsOfDifferentLengthsAreRefusedOnAllRanks() throws Exception {
    String output = Ranks.run(2, List.of(), SharedCalls.class.getName(), "lengths");
    String message =
        "refused: values: expected as many on all ranks, got F64 of 100000 on rank 0 and F64 of 200"
            + " on rank 1; next true";
    assertThat(output.split(Pattern.quote(message), -1)).hasSize(3);
    assertThat(output).endsWith("status=0");
  }

  @Test
  void aSumThatNoOneEndsIsSaid() throws Exception {
    String output = Ranks.run(2, List.of(), SharedCalls.class.getName(), "left");
    assertThat(output).contains("beginSum: expected that each sum is ended").endsWith("status=1");
  }

  @Test
  void ranksThatDifferHearWhatEachHas() throws Exception {
    String output = Ranks.run(2, List.of(), SharedCalls.class.getName(), "differ");
    String message =
        "refused: ranks: expected the same call on all, got C 3 on rank 0 and C 4 on rank 1";
    assertThat(output.split(Pattern.quote(message), -1)).hasSize(3);
    assertThat(output).endsWith("status=0");
  }

  @Test
  void aRankThatDiesEndsTheOthers() throws Exception {
    String output = Ranks.run(3, List.of(), SharedCalls.class.getName(), "dies");
    assertThat(output).doesNotContain("not reached");
    assertThat(output).contains("mpirun").contains("non-zero").endsWith("status=137");
  }

  @Test
  void whatOneRankThrowsEndsAll() throws Exception {
    String output = Ranks.run(3, List.of(), SharedCalls.class.getName(), "throws");
    assertThat(output)
        .contains("rank 2 of 3 ends all:")
        .contains("UnsupportedOperationException: a fault of the program's")
        .doesNotContain("not reached")
        .endsWith("status=1");
  }

  @Test
  void trainingIsTheSameEachTimeAndTheFileWhole(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("digits.safetensors");
    List<Double> first = train(2, file);
    byte[] bytes = Files.readAllBytes(file);
    assertThat(train(2, file)).isEqualTo(first);
    assertThat(Files.readAllBytes(file)).isEqualTo(bytes);
    assertThat(Safetensors.read(file).tensors()).containsKeys("norm.weight", "norm.running_mean");
    assertThat(first.get(1)).isLessThan(first.get(0));
    // Another number of ranks adds up gradients in another order, but for batch norm's.
    assertThat(train(3, file).get(0)).isCloseTo(first.get(0), within(0.01));
  }

  /** Returns each epoch's loss. */
  private static List<Double> train(int ranks, Path file) throws Exception {
    String output = Ranks.run(ranks, List.of(), "DigitsOnRanks", "2", file.toString(), "512");
    assertThat(output).endsWith("status=0");
    List<Double> losses =
        Pattern.compile("epoch [12]: loss ([0-9.]+),")
            .matcher(output)
            .results()
            .map((MatchResult result) -> Double.valueOf(result.group(1)))
            .toList();
    assertThat(losses).hasSize(2);
    return losses;
  }
}
