package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import org.jspecify.annotations.Nullable;

/**
 * The memory of a forward call: x, and whatever else is wanted, each set by the method of its name.
 * With pre = gamma * (x - mean) / sqrt(var + eps) + beta + z, y = pre where pre > 0, else slope *
 * pre. May be used for any number of calls, by the thread that made it, and by no other
 * (IllegalStateException); a call allocates nothing.
 *
 * <p>Data hold N*C*S elements of the shape's dtype, parameters and statistics C elements of its
 * {@link DType#parameters}.
 */
public final class ForwardArguments {
  final Thread owner = Thread.currentThread();
  final BatchNormShape shape;
  final double eps;
  final double slope;
  final Storage x;
  @Nullable Storage z;
  @Nullable Storage gamma;
  @Nullable Storage beta;
  @Nullable Storage givenMean;
  @Nullable Storage givenVar;
  @Nullable Storage given;
  @Nullable Weights weights;
  @Nullable Storage y;
  @Nullable Storage mean;
  @Nullable Storage var;
  @Nullable Storage saved;
  @Nullable Communicator ranks;
  long total;
  boolean invertible;

  /**
   * Makes arguments with x alone.
   *
   * @param shape sizes, dtype and layout
   * @param options eps and tail; the layout is the shape's
   * @param x input, N*C*S elements
   */
  public ForwardArguments(BatchNormShape shape, BatchNormOptions options, Storage x) {
    this(shape, Checks.needed("options", options).eps(), options.slope(), x);
  }

  ForwardArguments(BatchNormShape shape, double eps, double slope, Storage x) {
    this.shape = Checks.needed("shape", shape);
    this.eps = eps;
    this.slope = slope;
    this.x = x;
  }

  /**
   * Input, N*C*S elements, added before the tail; null for none.
   *
   * @param storage of x's shape, or null for none
   * @return this, for the next argument
   */
  public ForwardArguments z(@Nullable Storage storage) {
    Checks.owner(owner);
    z = storage;
    return this;
  }

  /**
   * Input, the scale, C elements; null for 1.
   *
   * @param storage the scale, C elements, or null for 1
   * @return this, for the next argument
   */
  public ForwardArguments gamma(@Nullable Storage storage) {
    Checks.owner(owner);
    gamma = storage;
    return this;
  }

  /**
   * Input, the shift, C elements; null for 0.
   *
   * @param storage the shift, C elements, or null for 0
   * @return this, for the next argument
   */
  public ForwardArguments beta(@Nullable Storage storage) {
    Checks.owner(owner);
    beta = storage;
    return this;
  }

  /**
   * Inputs, C elements each: statistics to use instead of the batch's.
   *
   * @param givenMeans C elements
   * @param givenVars C elements
   * @return this, for the next argument
   * @throws IllegalArgumentException if one is null
   */
  public ForwardArguments given(Storage givenMeans, Storage givenVars) {
    Checks.owner(owner);
    Checks.needed("given mean", givenMeans);
    Checks.needed("given var", givenVars);
    givenMean = givenMeans;
    givenVar = givenVars;
    return this;
  }

  /**
   * Input, f64, 4*C elements: statistics to use, as another call saved them.
   *
   * @param savedStatistics of an earlier call
   * @return this, for the next argument
   * @throws IllegalArgumentException if it is null
   */
  public ForwardArguments given(Storage savedStatistics) {
    Checks.owner(owner);
    given = Checks.needed("given", savedStatistics);
    return this;
  }

  /**
   * Each position's weight in the statistics. A position of weight 0 takes part in nothing; its y
   * is 0. Null for 1.
   *
   * @param newWeights the weights, or null for none
   * @return this, for the next argument
   */
  public ForwardArguments weights(@Nullable Weights newWeights) {
    Checks.owner(owner);
    weights = newWeights;
    return this;
  }

  /**
   * Output, N*C*S elements; may be x or z itself, in place. Null for none.
   *
   * @param storage where y goes, or null where it is not wanted
   * @return this, for the next argument
   */
  public ForwardArguments y(@Nullable Storage storage) {
    Checks.owner(owner);
    y = storage;
    return this;
  }

  /**
   * Output, C elements; null for none.
   *
   * @param storage where the mean goes, C elements, or null
   * @return this, for the next argument
   */
  public ForwardArguments mean(@Nullable Storage storage) {
    Checks.owner(owner);
    mean = storage;
    return this;
  }

  /**
   * Output, the biased variance, C elements; null for none.
   *
   * @param storage where the variance goes, C elements, or null
   * @return this, for the next argument
   */
  public ForwardArguments var(@Nullable Storage storage) {
    Checks.owner(owner);
    var = storage;
    return this;
  }

  /**
   * Output, f64, 4*C elements: what backward needs; null for none.
   *
   * @param storage where backward's statistics go, or null
   * @return this, for the next argument
   */
  public ForwardArguments saved(@Nullable Storage storage) {
    Checks.owner(owner);
    saved = storage;
    return this;
  }

  /**
   * x is this rank's share of a batch, whose statistics are those of all of it: y, mean, var and
   * saved have the bits of one call on the shares one after the other, rank 0's first. All ranks
   * make the same call, on as many samples each as they have, 0 among them. Neither weights nor
   * statistics that are given go with it.
   *
   * @param communicator between the ranks; or null for a batch that is here
   * @return this, for the next argument
   */
  public ForwardArguments sharedBy(@Nullable Communicator communicator) {
    Checks.owner(owner);
    ranks = communicator;
    return this;
  }

  /** Returns where the statistics go: what was set for them, or memory of its own. */
  Storage savedRoom() {
    return saved != null
        ? saved
        : Storage.allocate(DType.F64, (long) BatchNormKernel.SAVED_PER_CHANNEL * shape.c());
  }

  /** Returns the same call with statistics that are given, of which it writes none. */
  ForwardArguments applied(Storage statistics) {
    ForwardArguments call =
        new ForwardArguments(shape, eps, slope, x)
            .z(z)
            .gamma(gamma)
            .beta(beta)
            .given(statistics)
            .y(y);
    return invertible ? call.invertible() : call;
  }

  /** {@return N of the batch that the last call normalized: of all its shares} */
  public long totalSamples() {
    return ranks == null ? shape.n() : total;
  }

  /**
   * Refuses what {@link BackwardArguments#inverted} could not undo.
   *
   * @return this, for the next argument
   */
  public ForwardArguments invertible() {
    Checks.owner(owner);
    invertible = true;
    return this;
  }
}
