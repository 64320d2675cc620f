package io.github.jbatchnorm.cli;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;
import io.github.jbatchnorm.kernel.BackwardArguments;
import io.github.jbatchnorm.kernel.BatchNormKernel;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.BatchNormShape;
import io.github.jbatchnorm.kernel.ForwardArguments;
import io.github.jbatchnorm.kernel.Kernels;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.MemoryScope;
import io.github.jbatchnorm.memory.MemoryUse;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.nn.Sgd;
import io.github.jbatchnorm.nn.functional.Functions;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Shows what tensors' memory costs: a training loop beside the same calls on reused buffers. */
@Command(
    name = "memory",
    description =
        "Train a batch normalization with outputs of 16 MB and close nothing, beside the same"
            + " kernel calls on buffers that are used again, in turns; print time and memory.",
    mixinStandardHelpOptions = true,
    showDefaultValues = true)
final class MemoryCommand implements Callable<Integer> {
  private static final BatchNormShape SHAPE =
      new BatchNormShape(DType.F32, Layout.NCHW, 32, 128, 1024);
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final int TURN = 50;

  @Spec private CommandSpec spec;

  @Option(names = "--steps", defaultValue = "2000", description = "steps of the training loop")
  private int steps;

  @Option(names = "--scope", description = "open a MemoryScope for each step")
  private boolean scoped;

  @Mixin private ThreadsOption threads = new ThreadsOption();

  @Override
  public Integer call() throws UserException, IOException {
    if (steps < TURN) {
      throw new UserException("--steps: expected %s or more, got %s".formatted(TURN, steps));
    }
    threads.apply();
    PrintWriter out = spec.commandLine().getOut();
    Loop loop = new Loop();
    out.printf("%8s  %14s  %12s  %11s%n", "steps", "time / reused", "resident MB", "pool MB");
    int report = Math.max(TURN, steps / 10 / TURN * TURN);
    long tensors = 0;
    long buffers = 0;
    for (int done = TURN; done <= steps; done += TURN) {
      tensors += time(loop::tensors);
      buffers += time(loop::buffers);
      if (done % report == 0) {
        out.printf(
            Locale.ROOT,
            "%8d  %14.3f  %12d  %11d%n",
            done,
            (double) tensors / buffers,
            residentMegabytes(),
            MemoryUse.now().held() >> 20);
        out.flush();
        tensors = 0;
        buffers = 0;
      }
    }
    out.println(MemoryUse.describe());
    out.println(MemoryUse.now());
    out.flush();
    return 0;
  }

  private static long time(Runnable step) {
    long start = System.nanoTime();
    for (int i = 0; i < TURN; i++) {
      step.run();
    }
    return System.nanoTime() - start;
  }

  private static long residentMegabytes() throws IOException {
    if (!Files.exists(STATUS)) {
      return -1;
    }
    return Files.readAllLines(STATUS).stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) >> 10)
        .sum();
  }

  /** One step, in two ways. */
  private final class Loop {
    private final Tensor x =
        Tensors.normal(
                DType.F32, new SplittableRandom(1), 3, 2, SHAPE.n(), SHAPE.c(), 32, SHAPE.s() / 32)
            .asConstant();
    private final Tensor weight = Tensors.full(DType.F32, 1, SHAPE.c(), 1, 1);
    private final Tensor gamma = Tensors.ones(DType.F32, SHAPE.c());
    private final Tensor beta = Tensors.zeros(DType.F32, SHAPE.c());
    private final Tensor ones = Tensors.ones(DType.F32, x.shape()).asConstant();
    private final Sgd optimizer =
        new Sgd(Map.of("weight", weight, "gamma", gamma, "beta", beta), 1e-3, 0.9);
    private final Storage z = large();
    private final Storage y = large();
    private final Storage dz = large();
    private final Storage dWeight = large();
    private final Storage sum = Storage.allocate(DType.F32, SHAPE.c());
    private final Storage dGamma = Storage.allocate(DType.F32, SHAPE.c());
    private final Storage dBeta = Storage.allocate(DType.F32, SHAPE.c());
    private final Storage saved =
        Storage.allocate(DType.F64, (long) BatchNormKernel.SAVED_PER_CHANNEL * SHAPE.c());

    private static Storage large() {
      return Storage.allocate(DType.F32, SHAPE.size());
    }

    void tensors() {
      if (scoped) {
        MemoryScope.run(this::step);
      } else {
        step();
      }
    }

    private void step() {
      Functions.batchnorm(x.multiply(weight), gamma, beta, 1e-5).backward(ones);
      optimizer.step();
    }

    void buffers() {
      KernelCalls.multiply(x.storage(), weight.storage(), SHAPE, z);
      BatchNormOptions options = BatchNormOptions.DEFAULT;
      Kernels.current()
          .forward(
              new ForwardArguments(SHAPE, options, z)
                  .gamma(gamma.storage())
                  .beta(beta.storage())
                  .y(y)
                  .saved(saved));
      Kernels.current()
          .backward(
              new BackwardArguments(SHAPE, options, z, ones.storage(), saved)
                  .gamma(gamma.storage())
                  .beta(beta.storage())
                  .dx(dz)
                  .dGamma(dGamma)
                  .dBeta(dBeta));
      KernelCalls.multiplyAll(dz, x.storage(), dWeight);
      KernelCalls.sumChannels(dWeight, SHAPE, sum);
    }
  }
}
