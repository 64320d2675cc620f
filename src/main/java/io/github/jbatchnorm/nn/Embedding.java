package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.Storage;
import io.github.jbatchnorm.nn.functional.Functions;
import java.util.Objects;
import java.util.random.RandomGenerator;

/**
 * Vectors by their numbers, f32: x of whole numbers, as {@link Tensor#ofInts} makes, of any shape
 * to (x's shape, features).
 */
public final class Embedding implements Layer {
  private static final int NO_PADDING = -1;

  private final Tensor weight;
  private final int padding;

  private Embedding(Tensor weight, int padding) {
    this.weight = weight;
    this.padding = padding;
  }

  /**
   * Makes a layer with normal vectors, of mean 0 and variance 1 in each feature, PyTorch's default.
   *
   * @param count how many vectors
   * @param features elements of a vector
   * @param random where they come from
   */
  public Embedding(int count, int features, RandomGenerator random) {
    this(create(count, features, random), NO_PADDING);
  }

  private static Tensor create(int count, int features, RandomGenerator random) {
    Objects.requireNonNull(random, "random");
    return Initializer.normal(0, 1).create(random, count, features, count, features);
  }

  /**
   * {@return a layer of which one vector is padding: 0 at first, and without a gradient}
   *
   * @param count how many vectors
   * @param features elements of a vector
   * @param paddingIndex the number of that vector
   * @param random where the others come from
   * @throws IllegalArgumentException if there is no such vector
   */
  public static Embedding withPadding(
      int count, int features, int paddingIndex, RandomGenerator random) {
    Objects.requireNonNull(random, "random");
    if (paddingIndex < 0 || paddingIndex >= count) {
      throw new IllegalArgumentException(
          "paddingIndex: expected 0 to %s, got %s".formatted(count - 1, paddingIndex));
    }
    Tensor weight = create(count, features, random);
    weight.update(storage -> clear(storage.slice(paddingIndex * features, features)));
    return new Embedding(weight, paddingIndex);
  }

  private static void clear(Storage vector) {
    for (int i = 0; i < vector.length(); i++) {
      vector.set(i, 0);
    }
  }

  /** {@return the vectors, shape (count, features)} */
  public Tensor weight() {
    return weight;
  }

  /**
   * Looks up.
   *
   * @throws IllegalArgumentException if a number of x is not whole, or there is no such vector
   */
  @Override
  public Tensor forward(Tensor x, Mode mode) {
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(mode, "mode");
    return OutputShapes.seen(
        this,
        padding == NO_PADDING
            ? Functions.embedding(x, weight)
            : Functions.embedding(x, weight, padding));
  }

  @Override
  public void visit(StateVisitor visitor) {
    visitor.parameter("weight", weight);
  }

  @Override
  public String toString() {
    return LayerText.of(
        "Embedding",
        weight.dim(0) + " -> " + weight.dim(1),
        LayerText.when(padding != NO_PADDING, "padding " + padding));
  }
}
