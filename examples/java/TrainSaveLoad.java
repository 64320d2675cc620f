import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.nn.Adam;
import io.github.jbatchnorm.nn.BatchNorm;
import io.github.jbatchnorm.nn.Dense;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.Sequential;
import io.github.jbatchnorm.nn.StateFile;
import io.github.jbatchnorm.nn.functional.Losses;
import io.github.jbatchnorm.nn.io.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;

/** Trains a small classifier, saves it, and goes on with a new one that has loaded the file. */
public class TrainSaveLoad {
  static Sequential model(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    return Sequential.builder()
        .add("hidden", new Dense(2, 16, random))
        .add("norm", new BatchNorm(16, 1e-5))
        .add("relu", Tensor::relu)
        .add("out", new Dense(16, 2, random))
        .build();
  }

  public static void main(String[] args) throws IOException {
    // Points inside the circle of radius 1 are of class 1, the others of class 0.
    int n = 256;
    SplittableRandom random = new SplittableRandom(7);
    float[] points = new float[2 * n];
    int[] labels = new int[n];
    for (int i = 0; i < n; i++) {
      float a = (float) random.nextDouble(-1.5, 1.5);
      float b = (float) random.nextDouble(-1.5, 1.5);
      points[2 * i] = a;
      points[2 * i + 1] = b;
      labels[i] = a * a + b * b < 1 ? 1 : 0;
    }
    Tensor x = Tensor.of(points, n, 2);

    Sequential model = model(1);
    Adam optimizer = new Adam(model.parameters(), 0.02);
    double first = 0;
    double last = 0;
    for (int step = 0; step < 100; step++) {
      Tensor loss = Losses.softmaxCrossentropy(model.forward(x, Mode.TRAINING), labels);
      loss.backward();
      optimizer.step();
      last = loss.item();
      first = step == 0 ? last : first;
    }
    System.out.println("the loss has fallen to less than a third: " + (last < first / 3));

    Path file = Files.createTempFile("model", ".safetensors");
    new Safetensors(StateFile.save(model::visit), Map.of("steps", "100")).write(file);
    Sequential loaded = model(2);
    StateFile.load(Safetensors.read(file).tensors(), loaded::visit);
    Files.delete(file);

    Tensor expected = model.forward(x, Mode.EVALUATION);
    Tensor found = loaded.forward(x, Mode.EVALUATION);
    System.out.println("the loaded model gives the same: " + expected.toString().equals(found.toString()));
  }
}
// Prints:
// the loss has fallen to less than a third: true
// the loaded model gives the same: true
