import com.sun.management.OperatingSystemMXBean;
import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.MemoryScope;
import io.github.jbatchnorm.memory.MemoryUse;
import io.github.jbatchnorm.nn.BatchNorm;
import io.github.jbatchnorm.nn.Conv;
import io.github.jbatchnorm.nn.Dense;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.Sequential;
import io.github.jbatchnorm.nn.Sgd;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.functional.Losses;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Training and serving for hours: Soak SECONDS [ROWS]. Prints speed and memory, a row for each part
 * of the time: images trained and served a second, and a second of the processors' time, which does
 * not depend on who else uses them. Half of the steps are in a scope, the others leave their memory
 * to the collector.
 */
public class Soak {
  private static final int BATCH = 16;
  private final SplittableRandom random = new SplittableRandom(1);
  private final Sequential model =
      Sequential.builder()
          .add("conv", Conv.builder(1, 8, 3, 3).build(random))
          .add("norm", new BatchNorm(8, 0.1))
          .add("relu", Tensor::relu)
          .add("pool", x -> Functions.globalAvgPool(x))
          .add("dense", new Dense(8, 4, random))
          .build();
  private final Sgd sgd = new Sgd(model.parameters(), 0.01, 0.9);

  public static void main(String[] args) throws Exception {
    double seconds = Double.parseDouble(args[0]);
    int rows = args.length > 1 ? Integer.parseInt(args[1]) : 12;
    Soak soak = new Soak();
    System.out.println("seconds  images/s  images/CPU s  resident MB  held MB  in use MB  heap MB");
    for (int row = 1; row <= rows; row++) {
      soak.run(seconds / rows, seconds * row / rows);
    }
  }

  private void run(double seconds, double at) throws Exception {
    long start = System.nanoTime();
    long cpuStart = cpuTime();
    long end = start + (long) (seconds * 1e9);
    long steps = 0;
    while (System.nanoTime() < end) {
      if (steps % 2 == 0) {
        MemoryScope.run(this::step);
      } else {
        step();
      }
      steps++;
    }
    double rate = steps * BATCH / ((System.nanoTime() - start) / 1e9);
    double cpuRate = steps * BATCH / ((cpuTime() - cpuStart) / 1e9);
    MemoryUse use = MemoryUse.now();
    Runtime java = Runtime.getRuntime();
    System.out.printf(
        "%7.0f  %8.0f  %12.0f  %11d  %7d  %9d  %7d%n",
        at,
        rate,
        cpuRate,
        resident(),
        use.held() >> 20,
        use.inUse() >> 20,
        (java.totalMemory() - java.freeMemory()) >> 20);
  }

  private static long cpuTime() {
    return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getProcessCpuTime();
  }

  private static long resident() throws Exception {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) >> 10)
        .sum();
  }

  private void step() {
    float[] images = new float[BATCH * 28 * 28];
    for (int i = 0; i < images.length; i++) {
      images[i] = (float) random.nextDouble();
    }
    int[] labels = new int[BATCH];
    Arrays.setAll(labels, i -> random.nextInt(4));
    Tensor x = Tensor.of(images, BATCH, 1, 28, 28).asConstant();
    Losses.softmaxCrossentropy(model.forward(x, Mode.TRAINING), labels).backward();
    sgd.step();
    try (NoAutodiff scope = NoAutodiff.scope()) {
      model.forward(x, Mode.EVALUATION).argmax(1);
    }
  }
}
