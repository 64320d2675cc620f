package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Checkpoint;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.nn.functional.Functions;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Dropout: in training each element is 0 with a probability, and the others grow to make up for it
 * (Srivastava et al., 2014). What is dropped follows from the seed and the number of batches so
 * far, which is a part of the layer's state.
 */
public final class Dropout implements Layer {
  private final double p;
  private final long seed;
  private final AtomicLong batches = new AtomicLong();

  /**
   * Makes a layer.
   *
   * @param p the probability, 0 to less than 1
   * @param seed of what is dropped
   * @throws IllegalArgumentException if p is out of range
   */
  public Dropout(double p, long seed) {
    this.p = Ranges.share("p", p);
    this.seed = seed;
  }

  /** {@return the probability with which an element is 0} */
  public double p() {
    return p;
  }

  @Override
  public Tensor forward(Tensor x, Mode mode) {
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(mode, "mode");
    if (mode == Mode.EVALUATION || p == 0) {
      return OutputShapes.seen(this, x);
    }
    long batch = Checkpoint.kept(batches::incrementAndGet);
    return Functions.dropout(x, p, new SplittableRandom(seed * 1_000_003 + batch));
  }

  @Override
  public void visit(StateVisitor visitor) {
    visitor.count("batches", batches);
  }

  @Override
  public String toString() {
    return LayerText.of("Dropout", "p " + p);
  }
}
