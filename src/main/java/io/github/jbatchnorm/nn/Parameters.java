package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/** The trainable tensors of a model. */
public final class Parameters {
  private Parameters() {}

  /** Returns the parameters of a model by name, in its order. */
  public static Map<String, Tensor> of(Layer model) {
    Map<String, Tensor> parameters = new LinkedHashMap<>();
    model.visit(
        new StateVisitor() {
          @Override
          public void parameter(String name, Tensor parameter) {
            parameters.put(name, parameter);
          }

          @Override
          public void statistic(String name, Tensor statistic) {}

          @Override
          public void count(String name, LongSupplier count, LongConsumer change) {}
        });
    return Collections.unmodifiableMap(parameters);
  }
}
