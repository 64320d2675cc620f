package io.github.jbatchnorm.programs;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.DType;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One line of a program.
 *
 * @param text what it is, for people
 * @param inputs the nodes that it takes
 * @param library how this library computes it
 * @param oracle its definition
 * @param dtype that of the result, or null for what its inputs promote to
 * @param view whether the result may share the first input's memory
 * @param writes whether the result is written over the first input
 */
record Step(
    String text,
    List<Integer> inputs,
    Function<List<Tensor>, Tensor> library,
    Function<List<Value>, Value> oracle,
    @Nullable DType dtype,
    boolean view,
    boolean writes) {
  static Step of(
      String text,
      Function<List<Tensor>, Tensor> library,
      Function<List<Value>, Value> oracle,
      Integer... inputs) {
    return new Step(text, List.of(inputs), library, oracle, null, false, false);
  }

  Step asView() {
    return new Step(text, inputs, library, oracle, dtype, true, writes);
  }

  Step inPlace() {
    return new Step(text, inputs, library, oracle, dtype, view, true);
  }

  Step to(DType newDtype) {
    return new Step(text, inputs, library, oracle, newDtype, view, writes);
  }
}
