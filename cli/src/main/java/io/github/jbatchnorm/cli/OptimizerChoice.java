package io.github.jbatchnorm.cli;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.nn.Adam;
import io.github.jbatchnorm.nn.Optimizer;
import io.github.jbatchnorm.nn.Sgd;
import java.util.Map;

/** The optimizers to choose from. */
enum OptimizerChoice {
  SGD(0.01),
  ADAM(0.001);

  private final double learningRate;

  OptimizerChoice(double learningRate) {
    this.learningRate = learningRate;
  }

  /** Returns the learning rate where the user gives none. */
  double learningRate() {
    return learningRate;
  }

  Optimizer create(Map<String, Tensor> parameters, double rate, double momentum) {
    return this == SGD ? new Sgd(parameters, rate, momentum) : new Adam(parameters, rate);
  }
}
