package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.memory.Storage;
import org.jspecify.annotations.Nullable;

/**
 * The memory of a backward call, the gradients of a forward one; each argument is set by the method
 * of its name. With g = dy where pre > 0, else slope * dy: dz = g, dBeta = sum(g), dGamma = sum(g
 * xHat), dx = gamma / sqrt(var + eps) (g - dBeta / M - xHat dGamma / M). May be used for any number
 * of calls, by the thread that made it, and by no other (IllegalStateException); a call allocates
 * nothing.
 */
public final class BackwardArguments {
  final Thread owner = Thread.currentThread();
  final BatchNormShape shape;
  final double eps;
  final double slope;
  final Storage x;
  final Storage dy;
  final Storage saved;
  @Nullable Storage y;
  @Nullable Storage gamma;
  @Nullable Storage beta;
  @Nullable Weights weights;
  @Nullable Storage dx;
  @Nullable Storage dz;
  @Nullable Storage dGamma;
  @Nullable Storage dBeta;
  boolean given;
  boolean inverted;
  @Nullable Communicator ranks;

  /**
   * Makes arguments with the inputs that every call needs.
   *
   * @param shape as in forward
   * @param options as in forward
   * @param x the input of forward, N*C*S elements, or, inverted, its output
   * @param dy gradient of y, N*C*S elements
   * @param saved what forward saved, f64, 4*C elements
   */
  public BackwardArguments(
      BatchNormShape shape, BatchNormOptions options, Storage x, Storage dy, Storage saved) {
    this(shape, Checks.needed("options", options).eps(), options.slope(), x, dy, saved);
  }

  BackwardArguments(
      BatchNormShape shape, double eps, double slope, Storage x, Storage dy, Storage saved) {
    this.shape = Checks.needed("shape", shape);
    this.eps = eps;
    this.slope = slope;
    this.x = x;
    this.dy = dy;
    this.saved = saved;
  }

  /**
   * Input, forward's output, whose sign says where the tail bent; needed where forward added z.
   * Without it the sign is computed again from x and beta.
   *
   * @param storage y of forward, where it was followed by a tail; or null
   * @return this, for the next argument
   */
  public BackwardArguments y(@Nullable Storage storage) {
    Checks.owner(owner);
    y = storage;
    return this;
  }

  /**
   * Input, as in forward.
   *
   * @param storage the scale, C elements, or null for 1
   * @return this, for the next argument
   */
  public BackwardArguments gamma(@Nullable Storage storage) {
    Checks.owner(owner);
    gamma = storage;
    return this;
  }

  /**
   * Input, as in forward; read where there is a tail, and inverted.
   *
   * @param storage the shift, C elements, or null for 0
   * @return this, for the next argument
   */
  public BackwardArguments beta(@Nullable Storage storage) {
    Checks.owner(owner);
    beta = storage;
    return this;
  }

  /**
   * Input, as in forward.
   *
   * @param newWeights the weights, or null for none
   * @return this, for the next argument
   */
  public BackwardArguments weights(@Nullable Weights newWeights) {
    Checks.owner(owner);
    weights = newWeights;
    return this;
  }

  /**
   * Forward was given its statistics: no gradient goes through them.
   *
   * @return this, for the next argument
   */
  public BackwardArguments given() {
    Checks.owner(owner);
    given = true;
    return this;
  }

  /**
   * x is forward's output, from which xHat is recovered: gamma and slope are {@link
   * BatchNormOptions#INVERTIBLE} or more, and there are neither weights nor z.
   *
   * @return this, for the next argument
   */
  public BackwardArguments inverted() {
    Checks.owner(owner);
    inverted = true;
    return this;
  }

  /**
   * x and dy are this rank's share of a batch, as in {@link ForwardArguments#sharedBy}: dGamma and
   * dBeta are of all of it, and dx has the bits of one call on all of it.
   *
   * @param communicator between the ranks; or null for a batch that is here
   * @return this, for the next argument
   */
  public BackwardArguments sharedBy(@Nullable Communicator communicator) {
    Checks.owner(owner);
    ranks = communicator;
    return this;
  }

  /**
   * Output, gradient of x; may be x, dy or y itself, in place. Null for none.
   *
   * @param storage where dx goes, or null where it is not wanted
   * @return this, for the next argument
   */
  public BackwardArguments dx(@Nullable Storage storage) {
    Checks.owner(owner);
    dx = storage;
    return this;
  }

  /**
   * Output, gradient of z; may be dy or y itself, in place. Null for none.
   *
   * @param storage where the gradient of z goes, or null
   * @return this, for the next argument
   */
  public BackwardArguments dz(@Nullable Storage storage) {
    Checks.owner(owner);
    dz = storage;
    return this;
  }

  /**
   * Output, gradient of gamma, C elements; null for none.
   *
   * @param storage where dGamma goes, C elements, or null
   * @return this, for the next argument
   */
  public BackwardArguments dGamma(@Nullable Storage storage) {
    Checks.owner(owner);
    dGamma = storage;
    return this;
  }

  /**
   * Output, gradient of beta, C elements; null for none.
   *
   * @param storage where dBeta goes, C elements, or null
   * @return this, for the next argument
   */
  public BackwardArguments dBeta(@Nullable Storage storage) {
    Checks.owner(owner);
    dBeta = storage;
    return this;
  }
}
