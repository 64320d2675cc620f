package io.github.jbatchnorm.nn;

import static java.util.stream.Collectors.joining;

import io.github.jbatchnorm.arrays.Products;
import io.github.jbatchnorm.autograd.Gradients;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.Communicator;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.MemoryScope;
import io.github.jbatchnorm.memory.Storage;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Trains one network on several ranks, each with a share of every batch. What is trained begins as
 * on rank 0, and stays the same on all ranks, bit for bit: gradients are added up in f64, in the
 * order of ranks. Batch norms that {@link BatchNorm.Builder#synchronizedBy} the same communicator
 * see the whole batch; their own gradients are of all of it already, and have to be the same on all
 * ranks: scale and shift are not used elsewhere.
 *
 * <pre>{@code
 * DataParallel parallel = new DataParallel(network, communicator);
 * Tensor mean = Losses.softmaxCrossentropy(network.forward(x, Mode.TRAINING), labels);
 * parallel.backward(parallel.share(mean, labels.length));
 * optimizer.step();
 * }</pre>
 *
 * <p>As many threads as ranks, or more, on a machine whose cores they share slow each other down:
 * {@code jbatchnorm.threads} is set for each.
 */
public final class DataParallel {
  /** Elements that go round together: 1 MiB of f32. */
  private static final int BUCKET = 1 << 18;

  private final Communicator ranks;
  private final Storage total = MemoryScope.outside(() -> Storage.allocate(DType.F64, 1));
  private final GradientBuckets buckets;

  /**
   * Gives all ranks what rank 0 has: parameters, running statistics and counts.
   *
   * @param network the same on all ranks but for the values
   * @param ranks between the ranks
   * @throws IllegalArgumentException on all ranks, if networks differ in names, shapes, dtypes or
   *     which batch norms are synchronized, one of these is by another communicator, or a parameter
   *     is neither f32 nor f64; values stay then
   */
  public DataParallel(Layer network, Communicator ranks) {
    this(network, ranks, BUCKET);
  }

  DataParallel(Layer network, Communicator ranks, int bucket) {
    Objects.requireNonNull(network, "network");
    this.ranks = Objects.requireNonNull(ranks, "ranks");
    IdentityHashMap<Tensor, BatchNorm> whole = new IdentityHashMap<>();
    List<State.Entry> state = State.of(network::visit);
    try {
      findWhole(network, whole);
      state.forEach(DataParallel::check);
    } catch (IllegalArgumentException e) {
      throw ranks.refusal(e);
    }
    ranks.agree("network", state.stream().map(entry -> text(entry, whole)).collect(joining(", ")));
    Map<String, Tensor> parameters = new LinkedHashMap<>();
    for (State.Entry entry : state) {
      begin(entry);
      if (entry.trained() && entry.tensor() != null) {
        parameters.put(entry.name(), entry.tensor());
      }
    }
    buckets = new GradientBuckets(parameters, whole, bucket, ranks);
  }

  private void findWhole(Layer network, IdentityHashMap<Tensor, BatchNorm> whole) {
    BatchNorms.of(network)
        .forEach(
            (name, norm) -> {
              if (norm.ranks() != null && norm.ranks() != ranks) {
                throw new IllegalArgumentException(
                    "network: expected %s synchronized by the same communicator, got another"
                        .formatted(name.isEmpty() ? "the batch norm" : name));
              }
              if (norm.ranks() != null) {
                whole.put(norm.gamma(), norm);
                whole.put(norm.beta(), norm);
              }
            });
  }

  private static void check(State.Entry entry) {
    Tensor tensor = entry.tensor();
    if (entry.trained() && tensor != null && tensor.dtype() != Products.computed(tensor.dtype())) {
      throw new IllegalArgumentException(
          "network: expected parameters of F32 or F64, got %s of %s"
              .formatted(entry.name(), tensor.dtype()));
    }
  }

  private static String text(State.Entry entry, IdentityHashMap<Tensor, BatchNorm> whole) {
    Tensor tensor = entry.tensor();
    if (tensor == null) {
      return entry.name() + " a count";
    }
    String shape = Arrays.stream(tensor.shape()).mapToObj(String::valueOf).collect(joining("x"));
    return "%s %s of %s%s"
        .formatted(
            entry.name(),
            tensor.dtype(),
            shape.isEmpty() ? "1" : shape,
            whole.containsKey(tensor) ? " synchronized" : "");
  }

  /** Takes rank 0's value. */
  private void begin(State.Entry entry) {
    Tensor tensor = entry.tensor();
    AtomicLong count = entry.count();
    if (tensor != null) {
      tensor.update(storage -> begin(storage.bytes()));
    }
    if (count != null) {
      ByteBuffer number = ByteBuffer.allocateDirect(Long.BYTES).putLong(0, count.get());
      begin(number);
      count.set(number.getLong(0));
    }
  }

  private void begin(ByteBuffer values) {
    int[] lengths = new int[ranks.size()];
    lengths[0] = values.remaining();
    ByteBuffer own = ByteBuffer.allocateDirect(lengths[ranks.rank()]);
    if (ranks.rank() == 0) {
      own.put(values.duplicate()).flip();
    }
    ranks.allGather(own, lengths, values);
  }

  /**
   * Makes a mean over this rank's samples its share of the mean over all ranks': the gradients that
   * backward finds are to be added up then.
   *
   * @param mean the loss, a mean over {@code samples}; where there are none any value, NaN among
   *     them
   * @param samples how many this rank has
   * @return mean * samples / (samples of all ranks)
   * @throws IllegalArgumentException if no rank has any
   */
  public Tensor share(Tensor mean, long samples) {
    Objects.requireNonNull(mean, "mean");
    total.set(0, (double) samples);
    ranks.sum(total);
    if (!(total.get(0) > 0)) {
      throw new IllegalArgumentException("samples: expected some on one rank at least, got none");
    }
    return mean.multiply((double) samples / total.get(0));
  }

  /**
   * Finds the gradients of the sum of all ranks' shares: each parameter has the same one on all of
   * them then. They are added up while backward goes on, as far as the transport can.
   *
   * @param share of {@link #share}
   * @throws IllegalStateException on all ranks, if a parameter has a gradient on some of them
   *     alone, or that of a synchronized batch norm is not the same on all; gradients are this
   *     rank's own then
   */
  public void backward(Tensor share) {
    backward(share, 1);
  }

  /**
   * As {@link #backward(Tensor)}, times a factor, as in {@link Tensor#backward(double)}.
   *
   * @param share of {@link #share}
   * @param seed the factor, the same on all ranks
   */
  public void backward(Tensor share, double seed) {
    Objects.requireNonNull(share, "share");
    GradientBuckets.Step step = buckets.new Step();
    Gradients.backward(share, seed, buckets.parameters(), step::add);
    step.end();
  }

  /**
   * Adds up the gradients that the parameters have: for those of several backward passes, which
   * {@link io.github.jbatchnorm.autograd.GradientSum} has added up on each rank.
   *
   * @throws IllegalStateException as {@link #backward(Tensor)}
   */
  public void addGradients() {
    GradientBuckets.Step step = buckets.new Step();
    for (Tensor parameter : buckets.parameters()) {
      Tensor grad = parameter.grad();
      if (grad != null) {
        step.add(parameter, grad);
      }
    }
    step.end();
  }
}
