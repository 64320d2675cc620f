import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.nn.functional.Functions;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/** Normalizes data that lie in memory of the program's own, in place of copying them in. */
public class OwnMemory {
  public static void main(String[] args) {
    // Any direct buffer in native order will do: of a file, of another library, of a MemorySegment.
    ByteBuffer memory = ByteBuffer.allocateDirect(6 * Float.BYTES).order(ByteOrder.nativeOrder());
    FloatBuffer values = memory.asFloatBuffer();
    values.put(new float[] {1, 10, 3, 30, 8, 20});

    Tensor x = Tensor.constant(Storage.wrap(DType.F32, memory), 3, 2);
    System.out.println(Functions.batchnorm(x, null, null, 1e-5));

    values.put(0, 3); // seen at once: the tensor is this memory
    System.out.println(x);
  }
}
// Prints:
// Tensor([[-1.0190487, -1.2247448],
//         [-0.3396829,  1.2247448],
//         [ 1.3587316,  0.       ]], dtype=float32)
// Tensor([[ 3., 10.],
//         [ 3., 30.],
//         [ 8., 20.]], dtype=float32)
