import io.github.jbatchnorm.autograd.Tensor
import io.github.jbatchnorm.nn.functional.Functions

/** The ten lines of docs/autograd.md in Kotlin. */
fun main() {
  val x = Tensor.of(floatArrayOf(1f, 10f, 3f, 30f, 8f, 20f), 3, 2) // 3 samples, 2 channels
  val gamma = Tensor.of(floatArrayOf(1f, 2f))
  val y = Functions.batchnorm(x, gamma, null, 1e-5)
  y.multiply(y).multiply(x).backward()
  println(gamma.grad())
  check(gamma.grad().toString() == "Tensor([ 32.307655, 239.99997 ], dtype=float32)")
}
