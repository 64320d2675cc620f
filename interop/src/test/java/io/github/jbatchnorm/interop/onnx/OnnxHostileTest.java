package io.github.jbatchnorm.interop.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.CodedOutputStream;
import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.memory.MemoryLimitException;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.platform.Reading;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Broken files end in an IOException, or are read as what they say; nothing else happens. */
class OnnxHostileTest {
  private static final byte[] WHOLE = Onnx.export(Models.convolutional(), 3, 14, 12).toBytes();
  private static final byte[] LARGER = larger();

  /** A model of the operators that make more of their input, and of shapes that are computed. */
  private static byte[] larger() {
    OnnxFile.Node shape =
        new OnnxFile.Node("a", "Shape", "", List.of("x"), List.of("shape"), Map.of());
    OnnxFile.Node first =
        new OnnxFile.Node("b", "Gather", "", List.of("shape", "zero"), List.of("n"), Map.of());
    OnnxFile.Node sizes =
        new OnnxFile.Node(
            "c", "Concat", "", List.of("n", "rest"), List.of("sizes"), Map.of("axis", 0L));
    OnnxFile.Node up =
        new OnnxFile.Node(
            "d",
            "ConvTranspose",
            "",
            List.of("x", "w"),
            List.of("up"),
            Map.of("strides", OnnxFiles.ints(2, 2), "pads", OnnxFiles.ints(0, 1, 1, 0)));
    OnnxFile.Node resize =
        new OnnxFile.Node(
            "e", "Resize", "", List.of("up", "", "s"), List.of("big"), Map.of("mode", "linear"));
    OnnxFile.Node flat =
        new OnnxFile.Node("f", "Reshape", "", List.of("big", "sizes"), List.of("y"), Map.of());
    return OnnxFiles.file(
        17,
        List.of(shape, first, sizes, up, resize, flat),
        Map.of(
            "zero", OnnxFiles.integers(0),
            "rest", OnnxFiles.integers(-1, 2),
            "w", OnnxFiles.random(1, 3, 2, 2, 3),
            "s", OnnxFiles.scales(1, 1, 2, 3)[1]));
  }

  /** Reads and, where that works, evaluates; other exceptions than the documented ones get out. */
  private static boolean reads(byte[] file) throws IOException {
    return reads(() -> Onnx.read(file));
  }

  private static boolean reads(Reading.Reader<OnnxNetwork> reader) throws IOException {
    try {
      OnnxNetwork network = reader.read();
      NoAutodiff.call(() -> network.forward(Models.random(1, 2, 3, 14, 12), Mode.EVALUATION));
      return true;
    } catch (FileFormatException | IllegalArgumentException | MemoryLimitException e) {
      assertThat(e.getMessage()).isNotEmpty().hasLineCount(1);
      return false;
    }
  }

  static Stream<byte[]> files() {
    return Stream.of(WHOLE, LARGER);
  }

  @ParameterizedTest
  @MethodSource("files")
  void everyTruncationIsRefused(byte[] whole) throws IOException {
    for (int length = 0; length < whole.length; length += length < 3000 ? 1 : 97) {
      byte[] cut = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> Onnx.read(cut)).isInstanceOf(FileFormatException.class);
    }
    assertThat(reads(whole)).isTrue();
  }

  @ParameterizedTest
  @MethodSource("files")
  void changedBytesAreReadOrRefused(byte[] whole) throws IOException {
    SplittableRandom random = new SplittableRandom(17);
    int refused = 0;
    for (int i = 0; i < 1500; i++) {
      byte[] changed = whole.clone();
      for (int n = random.nextInt(1, 4); n > 0; n--) {
        changed[random.nextInt(changed.length)] = (byte) random.nextInt(256);
      }
      refused += reads(changed) ? 0 : 1;
    }
    assertThat(refused).isPositive();
  }

  @Test
  void changedBytesOfModelsWithTensorsElsewhere(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("model.onnx");
    Onnx.export(Models.convolutional(), 3, 14, 12).externalData().write(file);
    byte[] whole = Files.readAllBytes(file);
    SplittableRandom random = new SplittableRandom(19);
    int refused = 0;
    for (int i = 0; i < 400; i++) {
      byte[] changed = whole.clone();
      for (int n = random.nextInt(1, 4); n > 0; n--) {
        changed[random.nextInt(changed.length)] = (byte) random.nextInt(256);
      }
      Files.write(file, changed);
      refused += reads(() -> Onnx.read(file)) ? 0 : 1;
    }
    assertThat(refused).isPositive();
  }

  @Test
  void anythingElseIsRefused(@TempDir Path folder) throws IOException {
    SplittableRandom random = new SplittableRandom(18);
    for (int i = 0; i < 500; i++) {
      byte[] any = new byte[random.nextInt(200)];
      for (int b = 0; b < any.length; b++) {
        any[b] = (byte) random.nextInt(256);
      }
      assertThatThrownBy(() -> Onnx.read(any)).isInstanceOf(FileFormatException.class);
    }
    assertThatThrownBy(() -> Onnx.read(folder))
        .isInstanceOf(FileFormatException.class)
        .hasMessage(folder + ": is a folder");
    Path text = Files.writeString(folder.resolve("text.onnx"), "no model at all");
    assertThatThrownBy(() -> Onnx.read(text))
        .isInstanceOf(FileFormatException.class)
        .hasMessageStartingWith(text + ": ");
    assertThatThrownBy(() -> Onnx.read(folder.resolve("none.onnx")))
        .isInstanceOf(NoSuchFileException.class);
  }

  private static byte[] nested(int depth) throws IOException {
    byte[] inner = {};
    for (int i = 0; i < depth; i++) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      CodedOutputStream out = CodedOutputStream.newInstance(bytes);
      // A graph's node, its attribute, the attribute's graph, and so on.
      out.writeByteArray(i % 3 == 0 ? 1 : i % 3 == 1 ? 5 : 6, inner);
      out.flush();
      inner = bytes.toByteArray();
    }
    ByteArrayOutputStream model = new ByteArrayOutputStream();
    CodedOutputStream out = CodedOutputStream.newInstance(model);
    out.writeByteArray(7, inner);
    out.writeByteArray(8, new byte[] {16, 17});
    out.flush();
    return model.toByteArray();
  }

  @Test
  void messagesInEachOtherCostNoStack() throws IOException {
    byte[] file = nested(3000);
    assertThatThrownBy(() -> Onnx.read(file)).isInstanceOf(FileFormatException.class);
  }

  @Test
  void sizesThatAreOnlyClaimedCostNoMemory() {
    Message tensor = new Message().number(1, 1 << 30).number(1, 1 << 30).number(2, 1).text(8, "w");
    Message claims =
        new Message()
            .message(7, new Message().message(5, tensor))
            .message(8, new Message().number(2, 17));
    assertThatThrownBy(() -> Onnx.read(OnnxExport.bytes(claims)))
        .isInstanceOf(FileFormatException.class)
        .hasMessageContaining("tensor w: bytes: expected 4611686018427387904 for shape");
  }
}
