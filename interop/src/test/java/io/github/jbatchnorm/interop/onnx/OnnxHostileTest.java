package io.github.jbatchnorm.interop.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.CodedOutputStream;
import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.memory.MemoryLimitException;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.io.FileFormatException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Broken files end in an IOException, or are read as what they say; nothing else happens. */
class OnnxHostileTest {
  private static final byte[] WHOLE = Onnx.export(Models.convolutional(), 3, 14, 12).toBytes();

  /** Reads and, where that works, evaluates; other exceptions than the documented ones get out. */
  private static boolean reads(byte[] file) throws IOException {
    try {
      OnnxNetwork network = Onnx.read(file);
      NoAutodiff.call(() -> network.forward(Models.random(1, 2, 3, 14, 12), Mode.EVALUATION));
      return true;
    } catch (FileFormatException | IllegalArgumentException | MemoryLimitException e) {
      assertThat(e.getMessage()).isNotEmpty().hasLineCount(1);
      return false;
    }
  }

  @Test
  void everyTruncationIsRefused() throws IOException {
    for (int length = 0; length < WHOLE.length; length += length < 3000 ? 1 : 97) {
      byte[] cut = Arrays.copyOf(WHOLE, length);
      assertThatThrownBy(() -> Onnx.read(cut)).isInstanceOf(FileFormatException.class);
    }
    assertThat(reads(WHOLE)).isTrue();
  }

  @Test
  void changedBytesAreReadOrRefused() throws IOException {
    SplittableRandom random = new SplittableRandom(17);
    int refused = 0;
    for (int i = 0; i < 1500; i++) {
      byte[] changed = WHOLE.clone();
      for (int n = random.nextInt(1, 4); n > 0; n--) {
        changed[random.nextInt(changed.length)] = (byte) random.nextInt(256);
      }
      refused += reads(changed) ? 0 : 1;
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
    Message external = new Message().number(1, 1).number(2, 1).text(8, "w").number(14, 1);
    Message elsewhere =
        new Message()
            .message(7, new Message().message(5, external))
            .message(8, new Message().number(2, 17));
    assertThatThrownBy(() -> Onnx.read(OnnxExport.bytes(elsewhere)))
        .isInstanceOf(FileFormatException.class)
        .hasMessageContaining("has a tensor in a file of its own, which is not read: w");
  }
}
