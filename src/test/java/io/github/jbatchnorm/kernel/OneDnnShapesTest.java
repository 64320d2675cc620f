package io.github.jbatchnorm.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.MemoryScope;
import io.github.jbatchnorm.memory.Storage;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The shapes that oneDNN is tested with: natively the bits of the Java kernel, in both layouts, and
 * a channel's results within the contract's bound of the exact ones. Large sizes are cut down, each
 * to one with the same remainders, unless {@code -Djbatchnorm.test.onednn=full}.
 */
class OneDnnShapesTest {
  private static final boolean FULL = "full".equals(System.getProperty("jbatchnorm.test.onednn"));
  private static final double EPS = 1e-5;

  private static List<int[]> shapes() {
    try (InputStream in = OneDnnShapesTest.class.getResourceAsStream("onednn-shapes.txt")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.startsWith("#"))
          .map(line -> Arrays.stream(line.split(" ")).mapToInt(Integer::parseInt).toArray())
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static int cut(int size, int most) {
    return size <= 2 * most ? size : most + size % most;
  }

  private static BatchNormShape shape(Layout layout, int... ncs) {
    int c = FULL ? ncs[1] : cut(ncs[1], 16);
    int s = FULL ? ncs[2] : cut(ncs[2], 256);
    int most = FULL ? 16_000 : 512;
    int n = Math.min(ncs[0], Math.max(1, most / s));
    return new BatchNormShape(DType.F32, layout, n, c, s);
  }

  /** A forward and a backward, and what they found. */
  private static final class Run {
    final Storage x;
    final Storage dy;
    final Storage y;
    final Storage dx;
    final Storage saved;
    final Storage dGamma;
    final Storage dBeta;

    Run(BatchNormKernel kernel, BatchNormShape shape) {
      SplittableRandom random = new SplittableRandom(shape.size());
      x = data(shape);
      dy = data(shape);
      for (int i = 0; i < shape.size(); i++) {
        x.set(i, 3 + random.nextDouble(-2, 2));
        dy.set(i, random.nextDouble(-1, 1));
      }
      y = data(shape);
      dx = data(shape);
      saved = Storage.allocate(DType.F64, 4L * shape.c());
      dGamma = Storage.allocate(DType.F32, shape.c());
      dBeta = Storage.allocate(DType.F32, shape.c());
      kernel.forward(shape, x, null, null, EPS, y, null, null, saved);
      kernel.backward(shape, x, dy, null, saved, EPS, dx, dGamma, dBeta);
    }

    private static Storage data(BatchNormShape shape) {
      return Storage.allocate(DType.F32, shape.size());
    }

    List<Storage> results() {
      return List.of(y, dx, saved, dGamma, dBeta);
    }
  }

  @ParameterizedTest
  @EnumSource(Layout.class)
  void sameBitsAndWithinTheBound(Layout layout) {
    List<int[]> all = shapes();
    assertThat(all).hasSizeGreaterThan(100);
    for (int i = 0; i < all.size(); i++) {
      BatchNormShape shape = shape(layout, all.get(i));
      boolean isExact = FULL || i % 24 == 0;
      MemoryScope.run(
          () -> {
            Run run = new Run(Kernels.nativeKernel(), shape);
            Run java = new Run(Kernels.javaKernel(), shape);
            for (int result = 0; result < run.results().size(); result++) {
              assertThat(run.results().get(result).bytes())
                  .as("result %s of %s", result, shape)
                  .isEqualTo(java.results().get(result).bytes());
            }
            if (isExact) {
              checkLastChannel(run, shape);
            }
          });
    }
  }

  private static double[] channel(Storage storage, BatchNormShape shape, int c) {
    double[] values = new double[(int) shape.m()];
    Arrays.setAll(values, i -> storage.get(shape.offset(c, i)));
    return values;
  }

  private static void checkLastChannel(Run run, BatchNormShape shape) {
    int c = shape.c() - 1;
    ExactBatchNorm exact =
        new ExactBatchNorm(channel(run.x, shape, c), channel(run.dy, shape, c), 1, 0, EPS);
    double[] y = channel(run.y, shape, c);
    double[] dx = channel(run.dx, shape, c);
    double worst =
        Math.max(
            ExactBatchNorm.error(run.dGamma.get(c), exact.dGamma, exact.dGammaScale()),
            ExactBatchNorm.error(run.dBeta.get(c), exact.dBeta, exact.dBetaScale()));
    double worstOfDx = 0;
    BigDecimal yScale = exact.yScale();
    BigDecimal dxScale = exact.dxScale();
    for (int i = 0; i < y.length; i++) {
      worst = Math.max(worst, ExactBatchNorm.error(y[i], exact.y(i), yScale));
      worstOfDx = Math.max(worstOfDx, ExactBatchNorm.error(dx[i], exact.dx(i), dxScale));
    }
    assertThat(worst).as("%s", shape).isLessThanOrEqualTo(1.8e-7);
    assertThat(worstOfDx).as("%s", shape).isLessThanOrEqualTo(2.4e-7);
  }
}
