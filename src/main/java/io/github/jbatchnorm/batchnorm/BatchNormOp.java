package io.github.jbatchnorm.batchnorm;

import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Operation;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.batchnorm.BatchNormGradient.Of;
import io.github.jbatchnorm.batchnorm.BatchNormInputs.Role;
import io.github.jbatchnorm.kernel.BackwardArguments;
import io.github.jbatchnorm.kernel.BatchNormKernel;
import io.github.jbatchnorm.kernel.BatchNormShape;
import io.github.jbatchnorm.kernel.Communicator;
import io.github.jbatchnorm.kernel.ForwardArguments;
import io.github.jbatchnorm.kernel.Kernels;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Batch normalization: y = gamma * (x - mean) / sqrt(var + eps) + beta, with the mean and the
 * biased variance of each channel of the batch. After MyGrad's {@code mygrad.nnet.batchnorm};
 * formulas and accuracy in docs/numerics.md.
 */
public final class BatchNormOp extends Operation {
  private final BatchNormInputs in;
  private final BatchNormShape shape; // of one group
  private final int groups;
  private final boolean inPlace;
  private final Storage mean;
  private final Storage var;
  private final Storage saved;
  private final @Nullable Communicator ranks;
  private long samples;
  private boolean computed;

  BatchNormOp(BatchNormInputs inputs, int groups, boolean inPlace, @Nullable Communicator ranks) {
    super(inputs.tensors());
    BatchNormShape whole = inputs.shape();
    this.in = inputs;
    this.groups = groups;
    this.inPlace = inPlace;
    this.ranks = ranks;
    this.shape =
        new BatchNormShape(whole.dtype(), whole.layout(), whole.n() / groups, whole.c(), whole.s());
    this.samples = shape.n();
    int statistics = groups * shape.c();
    this.mean = Storage.allocate(shape.dtype().parameters(), statistics);
    this.var = Storage.allocate(shape.dtype().parameters(), statistics);
    this.saved = Storage.allocate(DType.F64, (long) BatchNormKernel.SAVED_PER_CHANNEL * statistics);
  }

  /**
   * {@return a builder of a batch normalization of x}
   *
   * @param x the input
   */
  public static BatchNormBuilder on(Tensor x) {
    Objects.requireNonNull(x, "x");
    return new BatchNormBuilder(x);
  }

  /** Returns slice {@code group} of so many equal ones. */
  static Storage slice(Storage storage, int group, int groups) {
    int length = storage.length() / groups;
    return groups == 1 ? storage : storage.slice(group * length, length);
  }

  private @Nullable Storage storage(Role role) {
    int at = in.index(role);
    return at < 0 ? null : input(at).storage();
  }

  private @Nullable Storage slice(Role role, int group) {
    Storage storage = storage(role);
    return storage == null ? null : slice(storage, group, groups);
  }

  private @Nullable Tensor tensor(Role role) {
    int at = in.index(role);
    return at < 0 ? null : input(at);
  }

  /**
   * {@return M, the number of elements of a channel that a group's statistics are taken over: of
   * all ranks, from apply on, where they are synchronized}
   */
  public long count() {
    return samples * shape.s();
  }

  /** {@return W, the sum of the weights of those elements: {@link #count} without weights} */
  public double totalWeight() {
    return in.weights() == null ? count() : in.weights().total();
  }

  /**
   * {@return the mean of each channel, a constant of shape (C), or (groups, C), and the parameters'
   * dtype: from {@link #apply} on, after backward too, and where nothing is recorded}
   *
   * @throws IllegalStateException before apply
   */
  public Tensor mean() {
    return statistic("mean", mean);
  }

  /** {@return the biased variance of each channel, without eps, as {@link #mean}} */
  public Tensor var() {
    return statistic("var", var);
  }

  private Tensor statistic(String what, Storage values) {
    if (!computed) {
      throw new IllegalStateException(what + ": computed by apply, which has not been called");
    }
    return groups == 1
        ? Tensor.constant(values, shape.c())
        : Tensor.constant(values, groups, shape.c());
  }

  @Override
  public String name() {
    return "BatchNorm";
  }

  @Override
  protected boolean leavesTemporaries() {
    return true;
  }

  @Override
  public Map<String, Object> attributes() {
    return in.attributes(groups);
  }

  @Override
  protected Tensor forward() {
    Tensor x = input(0);
    if (inPlace) {
      return overwritten(0, this::compute);
    }
    Storage y = Storage.uninitialized(x.dtype(), x.size());
    compute(y);
    return Tensor.constant(y, x.shape());
  }

  private void compute(Storage y) {
    for (int group = 0; group < groups; group++) {
      ForwardArguments arguments =
          new ForwardArguments(shape, in.options(), slice(input(0).storage(), group, groups))
              .z(slice(Role.Z, group))
              .gamma(storage(Role.GAMMA))
              .beta(storage(Role.BETA))
              .weights(in.weights())
              .y(slice(y, group, groups))
              .mean(slice(mean, group, groups))
              .var(slice(var, group, groups))
              .saved(slice(saved, group, groups))
              .sharedBy(ranks);
      Kernels.current().forward(inPlace ? arguments.invertible() : arguments);
      samples = arguments.totalSamples();
    }
    computed = true;
  }

  @Override
  protected boolean overwrites(int input) {
    return inPlace && input == 0;
  }

  @Override
  protected @Nullable Tensor[] backward(Tensor grad) {
    if (NoAutodiff.isRecording()) {
      if (ranks != null) {
        throw new UnsupportedOperationException(
            "synchronizedBy: a synchronized batch norm has no second derivatives");
      }
      return recorded(grad);
    }
    BatchNormGradients found = compute(grad);
    return gradients(input -> found.of(in.role(input)));
  }

  private BatchNormGradients compute(Tensor grad) {
    BatchNormGradients found = new BatchNormGradients(in, inputs(), false);
    GroupSums sums = new GroupSums(found);
    for (int group = 0; group < groups; group++) {
      BackwardArguments arguments =
          new BackwardArguments(
                  shape,
                  in.options(),
                  slice(input(0).storage(), group, groups),
                  slice(grad.storage(), group, groups),
                  slice(saved, group, groups))
              .gamma(storage(Role.GAMMA))
              .beta(storage(Role.BETA))
              .weights(in.weights())
              .sharedBy(ranks);
      if (inPlace) {
        arguments.inverted();
      } else if (in.options().hasTail() && in.index(Role.Z) >= 0) {
        arguments.y(slice(output().storage(), group, groups));
      }
      Kernels.current().backward(found.into(arguments, group, groups));
      sums.add();
    }
    sums.put();
    return found;
  }

  /** Adds up dGamma and dBeta over the groups, where there are several. */
  private final class GroupSums {
    private final BatchNormGradients found;
    private final double[][] sums = new double[2][groups > 1 ? shape.c() : 0];

    GroupSums(BatchNormGradients found) {
      this.found = found;
    }

    private Storage storage(int which) {
      return found.of(which == 0 ? Role.GAMMA : Role.BETA).storage();
    }

    private boolean has(int which) {
      return found.has(which == 0 ? Role.GAMMA : Role.BETA);
    }

    void add() {
      for (int which = 0; which < 2; which++) {
        for (int c = 0; has(which) && c < sums[which].length; c++) {
          sums[which][c] += storage(which).get(c);
        }
      }
    }

    void put() {
      for (int which = 0; which < 2; which++) {
        if (has(which) && groups > 1) {
          storage(which).write(0, sums[which], 0, shape.c());
        }
      }
    }
  }

  /** The gradients as operations, so that they have gradients too. */
  private @Nullable Tensor[] recorded(Tensor grad) {
    double eps = in.options().eps();
    double slope = in.options().slope();
    Tensor x = inPlace ? new RecoveredInput(this).apply() : input(0);
    Tensor g = BatchNormComposition.bendGradient(grad, output().asConstant(), slope);
    Tensor gamma = tensor(Role.GAMMA);
    BatchNormComposition composition =
        new BatchNormComposition(in.shape(), eps, groups, in.weightsTensor());
    boolean composed = inPlace || groups > 1 || in.weights() != null;
    return gradients(
        input -> {
          Tensor found =
              switch (in.role(input)) {
                case X ->
                    composed ? composition.inputGradient(x, g, gamma) : byKernel(Of.X, g, gamma);
                case GAMMA ->
                    composed ? composition.gammaGradient(x, g) : byKernel(Of.GAMMA, g, null);
                case BETA -> composition.betaGradient(g);
                default -> composition.addedGradient(g);
              };
          return found.reshape(input(input).shape());
        });
  }

  private Tensor byKernel(Of of, Tensor g, @Nullable Tensor gamma) {
    double eps = in.options().eps();
    return new BatchNormGradient(of, shape, eps, saved, input(0), g, gamma).apply();
  }

  /**
   * The x of a call in place, less each channel's mean, from y, in f64: batch norm of both is the
   * same, and so are the gradients, the means being constants.
   */
  private static final class RecoveredInput extends Operation {
    private final BatchNormOp op;

    RecoveredInput(BatchNormOp op) {
      super(op.input(0));
      this.op = op;
    }

    @Override
    protected Tensor forward() {
      int[] channels = BatchNormComposition.broadcastShape(op.shape, input(0).ndim());
      Tensor beta = op.tensor(Role.BETA);
      Tensor gamma = op.tensor(Role.GAMMA);
      Tensor d = op.output().astype(DType.F64);
      d = op.in.options().hasTail() ? d.leakyRelu(1 / op.in.options().slope()) : d;
      d = beta == null ? d : d.subtract(beta.reshape(channels));
      d = gamma == null ? d : d.divide(gamma.reshape(channels));
      // Saved variances are those of x times a scale.
      Tensor scale = saved(3, channels);
      Tensor eps = scale.square().multiply(op.in.options().eps());
      return d.multiply(saved(2, channels).add(eps).sqrt().divide(scale));
    }

    private Tensor saved(int row, int... channels) {
      int c = op.shape.c();
      return Tensor.constant(op.saved.slice(row * c, c), channels);
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad;
    }
  }
}
