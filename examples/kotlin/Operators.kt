import io.github.jbatchnorm.autograd.Index
import io.github.jbatchnorm.autograd.Tensor
import io.github.jbatchnorm.kotlin.div
import io.github.jbatchnorm.kotlin.divAssign
import io.github.jbatchnorm.kotlin.get
import io.github.jbatchnorm.kotlin.matmul
import io.github.jbatchnorm.kotlin.minus
import io.github.jbatchnorm.kotlin.minusAssign
import io.github.jbatchnorm.kotlin.plus
import io.github.jbatchnorm.kotlin.plusAssign
import io.github.jbatchnorm.kotlin.pow
import io.github.jbatchnorm.kotlin.rem
import io.github.jbatchnorm.kotlin.set
import io.github.jbatchnorm.kotlin.times
import io.github.jbatchnorm.kotlin.timesAssign
import io.github.jbatchnorm.kotlin.unaryMinus
import io.github.jbatchnorm.kotlin.unaryPlus

private fun Tensor.holds(vararg expected: Double) {
  check(toDoubleArray().contentEquals(expected)) { "expected ${expected.toList()}, got $this" }
}

/** Every operator of TensorOperators.kt, checked. */
fun main() {
  val x = Tensor.of(arrayOf(doubleArrayOf(1.0, 2.0, 3.0), doubleArrayOf(4.0, 5.0, 6.0)))
  val y = Tensor.of(doubleArrayOf(1.0, 2.0, 4.0))
  (x + y).holds(2.0, 4.0, 7.0, 5.0, 7.0, 10.0)
  (x - y).holds(0.0, 0.0, -1.0, 3.0, 3.0, 2.0)
  (x * y).holds(1.0, 4.0, 12.0, 4.0, 10.0, 24.0)
  (x / y).holds(1.0, 1.0, 0.75, 4.0, 2.5, 1.5)
  (x % y).holds(0.0, 0.0, 3.0, 0.0, 1.0, 2.0)
  (1.0 + y - 2.0).holds(0.0, 1.0, 3.0)
  (1.0 - y * 2.0).holds(-1.0, -3.0, -7.0)
  (4.0 / y / 2.0).holds(2.0, 1.0, 0.5)
  (2.0 * y % 3.0).holds(2.0, 1.0, 2.0)
  (-y + 1.0).holds(0.0, -1.0, -3.0)
  check(+y === y)
  (y pow 2.0).holds(1.0, 4.0, 16.0)
  (x matmul y).holds(17.0, 38.0)

  check(x[1, 2] == 6.0) // Tensor.get: the element
  x[Index.at(1)].holds(4.0, 5.0, 6.0)
  x[-1, 0..1].holds(4.0, 5.0)
  x[Index.all(), intArrayOf(2, 0)].holds(3.0, 1.0, 6.0, 4.0)
  x[intArrayOf(0, 1), intArrayOf(2, 1)].holds(3.0, 5.0)
  x[x.greater(4.0)].holds(5.0, 6.0)
  x[Index.ellipsis(), booleanArrayOf(true, false, true)].holds(1.0, 3.0, 4.0, 6.0)
  x[0, 0..2 step 2].holds(1.0, 3.0)
  x[0, 2 downTo 0].holds(3.0, 2.0, 1.0)
  x[0, 2 downTo 1].holds(3.0, 2.0)

  val z = x * 1.0
  z += y
  z -= 1.0
  z *= 2.0
  z /= y
  z[0] = y
  z[1, 1..2] = 0.0
  z.holds(1.0, 2.0, 4.0, 8.0, 0.0, 0.0)
  z.backward()
  x.grad()!!.holds(0.0, 0.0, 0.0, 2.0, 0.0, 0.0)
  println(z)
}
