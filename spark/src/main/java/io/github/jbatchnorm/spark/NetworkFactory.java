package io.github.jbatchnorm.spark;

import io.github.jbatchnorm.nn.Sequential;

/**
 * Makes a network's layers, on the driver and once on every executor, which then get the parameters
 * and statistics that were trained. A public class with a public constructor without arguments, in
 * a jar that the executors have: models are saved with its name.
 */
@FunctionalInterface
public interface NetworkFactory {
  /** {@return the network, with whatever parameters; its functions must not mix samples} */
  Sequential create();
}
