package io.github.jbatchnorm.interop.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.Sequential;
import io.github.jbatchnorm.nn.StateFile;
import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.nn.io.Stored;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Models whose tensors are in files beside them. */
class OnnxExternalDataTest {
  @TempDir private Path folder;

  private static Tensor evaluated(OnnxNetwork model, Tensor x) {
    return NoAutodiff.call(() -> model.forward(x, Mode.EVALUATION));
  }

  @Test
  void writtenModelIsReadByOnnxRuntimeAndHere() throws Exception {
    Sequential model = Models.residual();
    Path file = folder.resolve("model.onnx");
    Onnx.export(model, 3, 32, 32).externalData().write(file);
    assertThat(folder)
        .isDirectoryContaining(other -> other.endsWith("model.onnx.data"))
        .isDirectoryNotContaining(other -> other.toString().endsWith(".tmp"));
    int whole = Onnx.export(model, 3, 32, 32).toBytes().length;
    assertThat(Files.size(file)).isLessThan(whole / 10);
    Tensor x = Models.random(7, 2, 3, 32, 32);
    Tensor expected = NoAutodiff.call(() -> model.forward(x, Mode.EVALUATION));
    OnnxRuntime.assertClose(expected, OnnxRuntime.run(file, x).get("output"));
    OnnxNetwork network = Onnx.read(file);
    assertThat(evaluated(network, x).toFloatArray()).isEqualTo(expected.toFloatArray());
    assertThat(StateFile.save(network::visit).keySet())
        .contains("layer1.0.conv1.weight", "layer1.0.bn1.running_mean");
  }

  @Test
  void tensorsBeginAtPages() throws Exception {
    Path file = folder.resolve("model.onnx");
    Onnx.export(Models.residual(), 3, 32, 32).externalData().write(file);
    ByteBuffer data = ByteBuffer.wrap(Files.readAllBytes(folder.resolve("model.onnx.data")));
    Stored first =
        ModelReader.read(file, Files.readAllBytes(file), folder).initializers().values().stream()
            .filter(ExternalTensors::takes)
            .findFirst()
            .orElseThrow();
    assertThat(data.slice(0, first.bytes().remaining())).isEqualTo(first.bytes());
    Stored last =
        ModelReader.read(file, Files.readAllBytes(file), folder).initializers().values().stream()
            .filter(ExternalTensors::takes)
            .reduce((a, b) -> b)
            .orElseThrow();
    int from = data.remaining() - last.bytes().remaining();
    assertThat(from % 4096).isZero();
    assertThat(data.slice(from, last.bytes().remaining())).isEqualTo(last.bytes());
  }

  @Test
  void bytesAloneHaveNothingBesideThem() throws Exception {
    Path file = folder.resolve("model.onnx");
    OnnxExport export = Onnx.export(Models.residual(), 3, 32, 32).externalData();
    export.write(file);
    byte[] bytes = Files.readAllBytes(file);
    assertThatThrownBy(() -> Onnx.read(bytes))
        .isInstanceOf(FileFormatException.class)
        .hasMessageContaining("is in a file of its own, model.onnx.data: read the model from its");
    assertThatThrownBy(export::toBytes)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("externalData: goes with write alone");
    assertThat(Onnx.export(Models.residual(), 3, 32, 32).externalData().training())
        .satisfies(other -> assertThatThrownBy(other::toBytes).hasMessageStartingWith("external"));
  }

  @Test
  void foldersAreNoModels() throws Exception {
    Path inner = Files.createDirectory(folder.resolve("model.onnx"));
    OnnxExport export = Onnx.export(Models.residual(), 3, 32, 32).externalData();
    for (Path file : new Path[] {inner, folder.getRoot()}) {
      assertThatThrownBy(() -> export.write(file))
          .isInstanceOf(FileSystemException.class)
          .hasMessage(file + ": is a folder");
    }
    assertThat(folder).isDirectoryNotContaining(other -> !other.equals(inner));
  }

  /** A graph of tensors without memory: holes in a file. */
  @Test
  void modelsPastTheLimitAreWrittenSo() throws Exception {
    Path holes = folder.resolve("holes");
    int gibibyte = 1 << 30;
    try (FileChannel channel =
        FileChannel.open(
            holes,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE,
            StandardOpenOption.SPARSE)) {
      channel.write(ByteBuffer.allocate(1), gibibyte - 1L);
      ByteBuffer mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, gibibyte);
      Stored tensor = new Stored(Stored.Type.U8, new int[] {gibibyte}, mapped);
      OnnxFile one =
          new OnnxFile(17, Map.of(), List.of(), Map.of("a", tensor), List.of(), List.of());
      OnnxFile two =
          new OnnxFile(
              17, Map.of(), List.of(), Map.of("a", tensor, "b", tensor), List.of(), List.of());
      assertThat(ModelWriter.isPastLimit(one)).isFalse();
      assertThat(ModelWriter.isPastLimit(two)).isTrue();
      assertThatThrownBy(() -> ModelWriter.model(two)).hasMessageContaining("at most 2 GiB");
      assertThat(ModelWriter.model(two, new ExternalTensors("data")).size()).isLessThan(300);
    }
  }

  /** Returns a file of one node that adds a vector of three, which is elsewhere. */
  private byte[] model(Map<String, String> external) {
    Message tensor = new Message().number(1, 3).number(2, 1).text(8, "w");
    external.forEach((key, value) -> tensor.message(13, new Message().text(1, key).text(2, value)));
    Message node = new Message().text(1, "x").text(1, "w").text(2, "y").text(4, "Add");
    Message graph =
        new Message()
            .message(1, node)
            .message(5, tensor.number(14, 1))
            .message(11, new Message().text(1, "x"))
            .message(12, new Message().text(1, "y"));
    return OnnxExport.bytes(
        new Message().message(7, graph).message(8, new Message().number(2, 17)));
  }

  private Path write(Map<String, String> external) throws IOException {
    return Files.write(folder.resolve("model.onnx"), model(external));
  }

  private void writeFloats(Path file, float... values) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    Files.write(file, bytes.array());
  }

  @Test
  void othersFiles() throws Exception {
    Files.createDirectories(folder.resolve("deeper/still"));
    writeFloats(folder.resolve("deeper/still/w.bin"), 9, 1, 2, 3, 9);
    Map<String, String> told = new LinkedHashMap<>();
    told.put("location", "deeper/./still/w.bin");
    told.put("offset", "4");
    told.put("checksum", "unused");
    for (String length : new String[] {null, "12"}) {
      if (length != null) {
        told.put("length", length);
      }
      assertThat(evaluated(Onnx.read(write(told)), Models.random(1, 3)).toFloatArray())
          .isEqualTo(Models.random(1, 3).add(Tensor.of(new float[] {1, 2, 3})).toFloatArray());
    }
    writeFloats(folder.resolve("w.bin"), 1, 2, 3);
    Files.createSymbolicLink(folder.resolve("link.bin"), folder.resolve("w.bin"));
    assertThat(Onnx.read(write(Map.of("location", "link.bin"))).parameters()).containsKey("w");
  }

  static Stream<Arguments> refused() {
    String outside = "expected a file in the model's folder, got location";
    String none = "which is no file in the model's folder";
    return Stream.of(
        arguments(Map.of(), outside + " ''"),
        arguments(Map.of("location", "../w.bin"), outside + " '../w.bin'"),
        arguments(Map.of("location", "deeper/../../w.bin"), outside),
        arguments(Map.of("location", "./.././inner/w.bin"), outside),
        arguments(Map.of("location", "/etc/passwd"), outside + " '/etc/passwd'"),
        arguments(Map.of("location", ".."), outside),
        arguments(Map.of("location", "."), none),
        arguments(Map.of("location", "none.bin"), "is in none.bin, " + none),
        arguments(Map.of("location", "deeper"), "is in deeper, " + none),
        arguments(Map.of("location", "w\0.bin"), "has a location that is no path"),
        arguments(Map.of("location", "out.bin"), "is in out.bin, a link out of the model's folder"),
        arguments(Map.of("location", "out/w.bin"), "a link out of the model's folder"),
        arguments(
            Map.of("location", "w.bin", "offset", "4"),
            "has 12 bytes from 4 on in w.bin, which has 12"),
        arguments(
            Map.of("location", "w.bin", "offset", "999999999999999999"),
            "has 12 bytes from 999999999999999999 on"),
        arguments(
            Map.of("location", "w.bin", "offset", "-4"), "has the offset '-4', which is no number"),
        arguments(Map.of("location", "w.bin", "offset", "1e3"), "has the offset '1e3'"),
        arguments(
            Map.of("location", "w.bin", "offset", "9999999999999999999"), "which is no number"),
        arguments(
            Map.of("location", "w.bin", "length", "8"),
            "tensor w: expected 12 bytes, got a length of 8"),
        arguments(Map.of("location", "w.bin", "length", ""), "has the length '', which is no"));
  }

  @ParameterizedTest
  @MethodSource("refused")
  void whatLeadsOutOrDoesNotFitIsRefused(Map<String, String> external, String message)
      throws Exception {
    Path inner = Files.createDirectories(folder.resolve("inner"));
    Files.createDirectories(inner.resolve("deeper"));
    writeFloats(folder.resolve("w.bin"), 1, 2, 3);
    writeFloats(inner.resolve("w.bin"), 1, 2, 3);
    Files.createSymbolicLink(inner.resolve("out.bin"), folder.resolve("w.bin"));
    Files.createSymbolicLink(inner.resolve("out"), folder);
    Path file = Files.write(inner.resolve("model.onnx"), model(external));
    assertThatThrownBy(() -> Onnx.read(file))
        .isInstanceOf(FileFormatException.class)
        .hasMessageStartingWith(file + ": tensor w: ")
        .hasMessageContaining(message);
  }

  @Test
  void sizesThatAreOnlyClaimedCostNoMemory() throws Exception {
    writeFloats(folder.resolve("w.bin"), 1, 2, 3);
    for (long axis : new long[] {1L << 28, 1L << 30, Integer.MAX_VALUE}) {
      Message tensor =
          new Message()
              .number(1, axis)
              .number(1, axis == 1L << 28 ? 1 : axis)
              .number(2, 1)
              .text(8, "w")
              .message(13, new Message().text(1, "location").text(2, "w.bin"))
              .number(14, 1);
      Message model =
          new Message()
              .message(7, new Message().message(5, tensor))
              .message(8, new Message().number(2, 17));
      Path file = Files.write(folder.resolve("model.onnx"), OnnxExport.bytes(model));
      assertThatThrownBy(() -> Onnx.read(file))
          .isInstanceOf(FileFormatException.class)
          .hasMessageContaining(
              axis == 1L << 28 ? "has 1073741824 bytes from 0 on" : "tensor w: is past 2 GiB");
    }
  }
}
