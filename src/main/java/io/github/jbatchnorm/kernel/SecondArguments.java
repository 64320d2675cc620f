package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.memory.Storage;
import org.jspecify.annotations.Nullable;

/**
 * The memory of the call for gradients of gradients: those of sum(v dx) + sum(vGamma dGamma) +
 * sum(vBeta dBeta) for x, dy and gamma, where dx, dGamma and dBeta are what backward without a tail
 * gives. Each argument is set by the method of its name. To be used as {@link ForwardArguments}.
 */
public final class SecondArguments {
  final Thread owner = Thread.currentThread();
  final BatchNormShape shape;
  final double eps;
  final Storage x;
  final Storage dy;
  final Storage saved;
  @Nullable Storage gamma;
  @Nullable Storage v;
  @Nullable Storage vGamma;
  @Nullable Storage vBeta;
  @Nullable Storage gx;
  @Nullable Storage gdy;
  @Nullable Storage gGamma;
  boolean given;

  /**
   * Makes arguments with the inputs that every call needs.
   *
   * @param shape as in forward
   * @param eps as in forward
   * @param x the input of forward, N*C*S elements
   * @param dy the gradient that backward was given, N*C*S elements
   * @param saved what forward saved, f64, 4*C elements
   */
  public SecondArguments(BatchNormShape shape, double eps, Storage x, Storage dy, Storage saved) {
    this.shape = Checks.needed("shape", shape);
    this.eps = eps;
    this.x = x;
    this.dy = dy;
    this.saved = saved;
  }

  /**
   * Input, as in forward.
   *
   * @param storage the scale, C elements, or null for 1
   * @return this, for the next argument
   */
  public SecondArguments gamma(@Nullable Storage storage) {
    Checks.owner(owner);
    gamma = storage;
    return this;
  }

  /**
   * Input, gradient of dx, N*C*S elements; null for 0.
   *
   * @param storage the memory, or null for none
   * @return this, for the next argument
   */
  public SecondArguments v(@Nullable Storage storage) {
    Checks.owner(owner);
    v = storage;
    return this;
  }

  /**
   * Input, gradient of dGamma, C elements; null for 0.
   *
   * @param storage the memory, or null for none
   * @return this, for the next argument
   */
  public SecondArguments vGamma(@Nullable Storage storage) {
    Checks.owner(owner);
    vGamma = storage;
    return this;
  }

  /**
   * Input, gradient of dBeta, C elements; null for 0.
   *
   * @param storage the memory, or null for none
   * @return this, for the next argument
   */
  public SecondArguments vBeta(@Nullable Storage storage) {
    Checks.owner(owner);
    vBeta = storage;
    return this;
  }

  /**
   * Forward was given its statistics: no gradient goes through them.
   *
   * @return this, for the next argument
   */
  public SecondArguments given() {
    Checks.owner(owner);
    given = true;
    return this;
  }

  /**
   * Output, gradient of x, N*C*S elements; null for none.
   *
   * @param storage the memory, or null for none
   * @return this, for the next argument
   */
  public SecondArguments gx(@Nullable Storage storage) {
    Checks.owner(owner);
    gx = storage;
    return this;
  }

  /**
   * Output, gradient of dy, N*C*S elements; null for none.
   *
   * @param storage the memory, or null for none
   * @return this, for the next argument
   */
  public SecondArguments gdy(@Nullable Storage storage) {
    Checks.owner(owner);
    gdy = storage;
    return this;
  }

  /**
   * Output, gradient of gamma, C elements; null for none.
   *
   * @param storage the memory, or null for none
   * @return this, for the next argument
   */
  public SecondArguments gGamma(@Nullable Storage storage) {
    Checks.owner(owner);
    gGamma = storage;
    return this;
  }
}
