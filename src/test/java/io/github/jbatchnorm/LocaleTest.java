package io.github.jbatchnorm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.autograd.Graph;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.nn.BatchNorm;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.StateFile;
import io.github.jbatchnorm.nn.data.CifarFiles;
import io.github.jbatchnorm.nn.data.IdxFiles;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.io.Npy;
import io.github.jbatchnorm.nn.io.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** No text depends on where the machine stands: not numbers, not letters. */
@Tag("jvm")
class LocaleTest {
  /** A conversion that writes digits, decimal signs or letters by the default locale. */
  private static final Pattern LOCALIZED =
      Pattern.compile(
          "%[-+ 0,#(]*\\d*(\\.\\d+)?[deEfgGtTSXCB]"
              + "|\\.to(Lower|Upper)Case\\(\\)|DecimalFormat|NumberFormat|new Formatter|new Scanner");

  private static final Path BASE = Path.of(System.getProperty("jbatchnorm.test.basedir"));

  @TempDir private Path folder;

  private final Locale before = Locale.getDefault();

  @AfterEach
  void backToTheDefault() {
    Locale.setDefault(before);
  }

  private static String message(ThrowingCallable call) {
    Throwable[] thrown = new Throwable[1];
    assertThatThrownBy(call).satisfies(e -> thrown[0] = e);
    return String.valueOf(thrown[0].getMessage());
  }

  /** Texts with numbers from every package. */
  private List<String> texts() throws Exception {
    Path cifar = Files.write(folder.resolve("data_batch_1.bin"), new byte[3073]);
    Path bad = Files.write(folder.resolve("bad"), new byte[1234]);
    Tensor x = Tensors.full(DType.F32, 1234.5, 12, 3);
    BatchNorm layer = new BatchNorm(3, 1e-5);
    Callable<Integer> read = () -> CifarFiles.read(List.of(cifar)).count();
    Tensor y = layer.forward(x, Mode.EVALUATION).exp();
    return List.of(
        read.call().toString(),
        Graph.text(y),
        Graph.graphviz(y),
        Graph.mermaid(y),
        x.toString(),
        StateFile.save(layer::visit).toString(),
        message(() -> x.get(1)),
        message(() -> x.reshape(1234)),
        message(() -> Functions.batchnorm(x, Tensors.ones(DType.F32, 12), null, 1e-5)),
        message(() -> new BatchNorm(1234, 1e-5).forward(x, Mode.TRAINING)),
        message(() -> Storage.allocate(DType.F64, 1L << 40)),
        message(() -> CifarFiles.read(List.of(bad))),
        message(() -> IdxFiles.read(folder)),
        message(() -> Npy.read(bad)),
        message(() -> Safetensors.read(bad)));
  }

  private Map<String, byte[]> files() throws IOException {
    var state = StateFile.save(new BatchNorm(12, 1e-5)::visit);
    Path file = folder.resolve("file");
    new Safetensors(state, Map.of("epoch", "12")).write(file);
    byte[] safetensors = Files.readAllBytes(file);
    Npy.writeAll(file, state);
    return Map.of("safetensors", safetensors, "npz", Files.readAllBytes(file));
  }

  @ParameterizedTest
  @ValueSource(strings = {"ar-EG", "fa-IR", "de-DE", "tr-TR", "mr-IN", "ne-NP"})
  void textsAndFilesAreTheSameEverywhere(String locale) throws Exception {
    Locale.setDefault(Locale.ROOT);
    List<String> expected = texts();
    Map<String, byte[]> files = files();
    Locale.setDefault(Locale.forLanguageTag(locale));
    assertThat(texts()).isEqualTo(expected);
    assertThat(files()).usingRecursiveComparison().isEqualTo(files);
  }

  private static List<String> localized(Path source) throws IOException {
    String text = Files.readString(source);
    List<String> found = new ArrayList<>();
    Matcher matcher = LOCALIZED.matcher(text);
    while (matcher.find()) {
      int line = text.lastIndexOf('\n', matcher.start()) + 1;
      int statement =
          Stream.of(";\n", "{\n", "}\n")
              .mapToInt(end -> text.lastIndexOf(end, matcher.start()))
              .max()
              .orElse(0);
      boolean inText =
          text.substring(line, matcher.start()).chars().filter(c -> c == '"').count() % 2 == 1;
      boolean said =
          text.substring(Math.max(statement, 0), matcher.start()).contains("Locale.ROOT");
      if (!said && (inText || !matcher.group().startsWith("%"))) {
        found.add(source.getFileName() + ": " + matcher.group());
      }
    }
    return found;
  }

  @Test
  void everyConversionInTheSourceSaysItsLocale() throws IOException {
    List<String> found = new ArrayList<>();
    for (String folder : List.of("src/main/java", "cli/src/main/java")) {
      try (Stream<Path> sources = Files.walk(BASE.resolve(folder))) {
        for (Path source : sources.filter(path -> path.toString().endsWith(".java")).toList()) {
          found.addAll(localized(source));
        }
      }
    }
    assertThat(found).isEmpty();
  }
}
