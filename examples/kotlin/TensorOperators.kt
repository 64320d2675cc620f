package io.github.jbatchnorm.kotlin

import io.github.jbatchnorm.autograd.Index
import io.github.jbatchnorm.autograd.Tensor

/**
 * Operators for tensors, to be copied into a program: `x * 2.0 - y / z`, `x[1, 0..2]`, `x[0] = y`,
 * `x += y`. An index is an Int, an IntRange with a step or not, an IntArray, a BooleanArray, a
 * tensor that is a mask, or an [Index]. Of Ints alone `x[1, 2]` is [Tensor.get], the element.
 *
 * `x += y` is the operation in place, which is part of the graph, so tensors belong in a `val`.
 */
operator fun Tensor.plus(other: Tensor): Tensor = add(other)

operator fun Tensor.plus(value: Double): Tensor = add(value)

operator fun Double.plus(tensor: Tensor): Tensor = tensor.add(this)

operator fun Tensor.minus(other: Tensor): Tensor = subtract(other)

operator fun Tensor.minus(value: Double): Tensor = subtract(value)

operator fun Double.minus(tensor: Tensor): Tensor = tensor.negate().add(this)

operator fun Tensor.times(other: Tensor): Tensor = multiply(other)

operator fun Tensor.times(value: Double): Tensor = multiply(value)

operator fun Double.times(tensor: Tensor): Tensor = tensor.multiply(this)

operator fun Tensor.div(other: Tensor): Tensor = divide(other)

operator fun Tensor.div(value: Double): Tensor = divide(value)

operator fun Double.div(tensor: Tensor): Tensor = tensor.reciprocal().multiply(this)

operator fun Tensor.rem(other: Tensor): Tensor = mod(other)

operator fun Tensor.rem(value: Double): Tensor = mod(value)

operator fun Tensor.unaryMinus(): Tensor = negate()

operator fun Tensor.unaryPlus(): Tensor = this

operator fun Tensor.plusAssign(other: Tensor) {
  addInPlace(other)
}

operator fun Tensor.plusAssign(value: Double) {
  addInPlace(value)
}

operator fun Tensor.minusAssign(other: Tensor) {
  subtractInPlace(other)
}

operator fun Tensor.minusAssign(value: Double) {
  subtractInPlace(value)
}

operator fun Tensor.timesAssign(other: Tensor) {
  multiplyInPlace(other)
}

operator fun Tensor.timesAssign(value: Double) {
  multiplyInPlace(value)
}

operator fun Tensor.divAssign(other: Tensor) {
  divideInPlace(other)
}

operator fun Tensor.divAssign(value: Double) {
  divideInPlace(value)
}

operator fun Tensor.get(vararg indices: Any): Tensor = slice(*indexed(indices))

operator fun Tensor.set(vararg indices: Any, value: Tensor) {
  set(value, *indexed(indices))
}

operator fun Tensor.set(vararg indices: Any, value: Double) {
  set(value, *indexed(indices))
}

infix fun Tensor.matmul(other: Tensor): Tensor = matmul(other)

infix fun Tensor.pow(exponent: Double): Tensor = pow(exponent)

private fun indexed(indices: Array<out Any>): Array<Index> =
    indices.map(::index).toTypedArray()

private fun index(index: Any): Index =
    when (index) {
      is Index -> index
      is Int -> Index.at(index)
      is IntArray -> Index.of(*index)
      is BooleanArray -> Index.mask(index)
      is Tensor -> Index.mask(index)
      is IntProgression -> range(index)
      else -> throw IllegalArgumentException("index: expected Int, IntRange, IntArray, BooleanArray, Tensor or Index, got $index")
    }

/** Kotlin's ranges have their last element; `0..-1`, which has none, is no way to say "all". */
private fun range(range: IntProgression): Index =
    when {
      range.isEmpty() -> Index.range(0, 0)
      range.first < 0 || range.last < 0 ->
          throw IllegalArgumentException("index: expected a range from 0 on, got $range")
      range.step > 0 -> Index.range(range.first, range.last + 1, range.step)
      range.last == 0 -> Index.Range(range.first, null, range.step)
      else -> Index.range(range.first, range.last - 1, range.step)
    }
