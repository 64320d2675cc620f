import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.batchnorm.BatchNormOp;
import java.util.Arrays;

/** A batch norm with its gradient and a product, on as many threads as there are; prints a check sum. */
public class Faults {
  public static void main(String[] args) {
    float[] values = new float[1 << 20];
    for (int i = 0; i < values.length; i++) {
      values[i] = i % 1009;
    }
    Tensor x = Tensor.of(values, 64, 64, 256);
    BatchNormOp.on(x).apply().multiply(x).sum().backward();
    Tensor matrix = Tensor.of(values, 1024, 1024);
    matrix.matmul(matrix);
    System.out.println(Arrays.hashCode(x.grad().toFloatArray()));
  }
}
