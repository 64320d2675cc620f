import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.MemoryScope;
import io.github.jbatchnorm.nn.BatchNorm;
import io.github.jbatchnorm.nn.Dense;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.Sequential;
import io.github.jbatchnorm.nn.Serving;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Serves one model from many threads. With many callers run it with -Djbatchnorm.threads=1: then each
 * caller computes for itself, instead of waking a team of threads of its own.
 */
public class ServeThreads {
  public static void main(String[] args) throws ExecutionException, InterruptedException {
    SplittableRandom random = new SplittableRandom(1);
    Sequential trained =
        Sequential.builder()
            .add("hidden", new Dense(3, 8, random))
            .add("norm", new BatchNorm(8, 1e-5))
            .add("out", new Dense(8, 2, random))
            .build();
    trained.forward(Tensor.of(new float[] {1, 2, 3, 4, 5, 6, 7, 8, 10}, 3, 3), Mode.TRAINING);
    Sequential model = Serving.folded(trained); // batch norms disappear in the weights before them

    ExecutorService threads = Executors.newFixedThreadPool(8);
    List<Future<String>> answers = new ArrayList<>();
    for (int request = 0; request < 1000; request++) {
      answers.add(threads.submit(() -> answer(model, 1, 2, 3)));
    }
    Set<String> different = new HashSet<>();
    for (Future<String> answer : answers) {
      different.add(answer.get());
    }
    threads.shutdown();
    System.out.println("different answers to one question: " + different.size());
  }

  /** No tape is kept, and the scope gives all memory of the request back at once. */
  private static String answer(Sequential model, float... question) {
    try (MemoryScope scope = MemoryScope.open()) {
      Tensor x = Tensor.of(question, 1, question.length);
      return NoAutodiff.call(() -> model.forward(x, Mode.EVALUATION)).toString();
    }
  }
}
// Prints:
// different answers to one question: 1
