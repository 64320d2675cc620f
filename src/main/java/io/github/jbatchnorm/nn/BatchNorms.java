package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/** Collects the batch norms of a model by name, wherever they lie in it. */
final class BatchNorms implements StateVisitor {
  private final Map<String, BatchNorm> found = new LinkedHashMap<>();

  private BatchNorms() {}

  /**
   * Returns the batch norms in a layer, or the layer itself, by what their state's names begin
   * with.
   */
  static Map<String, BatchNorm> of(Layer layer) {
    BatchNorms norms = new BatchNorms();
    layer.visit(norms);
    return norms.found;
  }

  @Override
  public void parameter(String name, Tensor parameter) {}

  @Override
  public void statistic(String name, Tensor statistic) {}

  @Override
  public void count(String name, AtomicLong count) {}

  @Override
  public void batchNorm(String name, BatchNorm layer) {
    found.put(name, layer);
  }
}
