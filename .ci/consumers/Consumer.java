import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.Kernels;
import io.github.jbatchnorm.nn.functional.Functions;

/** A user's program: normalizes, multiplies matrices, prints what it ran on. */
public class Consumer {
  public static void main(String[] args) {
    Tensor x = Tensor.of(new float[] {1, 10, 3, 30, 8, 20}, 3, 2);
    Tensor y = Functions.batchnorm(x, null, null, 1e-5);
    Tensor z = x.matmul(Tensor.of(new float[] {1, 2, 3, 4}, 2, 2));
    System.out.println(Kernels.current().name() + " " + y.get(0, 0) + " " + z.get(2, 1));
  }
}
