package io.github.jbatchnorm.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The contract's fourth point: one result for every thread count, instruction set and kernel. */
@Tag("machine")
final class SameBitsTest {
  /** Under an emulator one of so many cases is taken. */
  private static final int EMULATED_SHARE = 4;

  /** All cases, or some of what covers them where the processor is emulated: ctest takes it all. */
  static Stream<SharedCase> cases() throws IOException {
    List<SharedCase> all = SharedCase.all();
    if (!Boolean.getBoolean("jbatchnorm.test.cover")) {
      return all.stream();
    }
    List<SharedCase> cover = SharedCase.cover(all);
    return IntStream.range(0, cover.size())
        .filter(i -> i % EMULATED_SHARE == 0)
        .mapToObj(cover::get);
  }

  static Stream<Arguments> casesAndLayouts() throws IOException {
    return cases()
        .filter(one -> one.shape().layout() == Layout.NCHW && one.call().equals("plain"))
        .map(one -> arguments(one.shape(), one.data()));
  }

  /** Every instruction set and number of threads: native/test, which ctest runs. */
  @ParameterizedTest
  @MethodSource("cases")
  void bothKernelsGiveTheSharedHash(SharedCase one) {
    Function<BatchNormKernel, String> prepared = one.prepare();
    assertThat(prepared.apply(new NativeKernel())).as("native").isEqualTo(one.hash());
    assertThat(prepared.apply(new JavaKernel())).as("java").isEqualTo(one.hash());
  }

  @Test
  void theCoverIsAPartThatHasEveryDtypeLayoutCallWayAndKindOfData() throws IOException {
    List<SharedCase> all = SharedCase.all();
    List<SharedCase> cover = SharedCase.cover(all);
    assertThat(cover).hasSizeLessThan(all.size() / 4);
    assertThat(cover.stream().flatMap(SharedCase::pairs))
        .containsAll(all.stream().flatMap(SharedCase::pairs).toList());
  }

  @ParameterizedTest
  @MethodSource("casesAndLayouts")
  void channelsLastGivesTheBitsOfChannelsFirst(BatchNormShape first, String data) {
    BatchNormShape last =
        new BatchNormShape(first.dtype(), Layout.NHWC, first.n(), first.c(), first.s());
    CaseData in = new CaseData(first, data);
    CaseData inLast = new CaseData(last, data);
    NativeKernel kernel = new NativeKernel();
    Storage y = Storage.allocate(first.dtype(), first.size());
    Storage yLast = Storage.allocate(first.dtype(), first.size());
    kernel.forward(first, in.x, in.gamma, in.beta, SharedCase.EPS, y, null, null, null);
    kernel.forward(
        last, inLast.x, inLast.gamma, inLast.beta, SharedCase.EPS, yLast, null, null, null);
    double[] reordered = new double[first.size()];
    double[] expected = new double[first.size()];
    for (int c = 0; c < first.c(); c++) {
      for (int i = 0; i < first.m(); i++) {
        reordered[first.offset(c, i)] = yLast.get(last.offset(c, i));
        expected[first.offset(c, i)] = y.get(first.offset(c, i));
      }
    }
    assertThat(reordered).isEqualTo(expected);
  }

  /** Two calls on memory at every alignment that the element allows. */
  @Test
  void alignmentDoesNotChangeABit() {
    BatchNormShape shape = new BatchNormShape(DType.F32, Layout.NCHW, 3, 5, 49);
    CaseData in = new CaseData(shape, "plain");
    NativeKernel kernel = new NativeKernel();
    Storage expected = Storage.allocate(DType.F32, shape.size());
    kernel.forward(shape, in.x, in.gamma, in.beta, 1e-5, expected, null, null, null);
    for (int shift = 0; shift < 16; shift++) {
      Storage x = shifted(shape.size(), shift);
      Storage y = shifted(shape.size(), 15 - shift);
      x.copyFrom(in.x);
      kernel.forward(shape, x, in.gamma, in.beta, 1e-5, y, null, null, null);
      assertThat(y.bytes()).as("shift %d", shift).isEqualTo(expected.bytes());
    }
  }

  private static Storage shifted(int length, int shift) {
    Storage whole = Storage.allocate(DType.F32, length + shift);
    return Storage.wrap(
        DType.F32,
        whole.bytes().position(shift * Float.BYTES).slice().order(ByteOrder.nativeOrder()));
  }

  /** Rewrites the hashes from the Java kernel: run with -Djbatchnorm.test.record=true. */
  @Test
  @EnabledIfSystemProperty(named = "jbatchnorm.test.record", matches = "true")
  void recordHashes() throws IOException {
    List<String> lines = new ArrayList<>();
    for (String line : Files.readAllLines(SharedCase.file())) {
      if (line.startsWith("#")) {
        lines.add(line);
      } else {
        SharedCase one = SharedCase.parse(line);
        lines.add(one.line() + " " + one.run(new JavaKernel()));
      }
    }
    Files.write(SharedCase.file(), lines);
    assertThat(lines).hasSizeGreaterThan(50);
  }
}
