package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.kernel.Communicator;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Trains one network on several ranks, each with a share of every batch. What is trained begins as
 * on rank 0, and stays the same on all ranks, bit for bit: gradients are added up in f64, in the
 * order of ranks. Batch norms that {@link BatchNorm.Builder#synchronizedBy} the same communicator
 * see the whole batch; their own gradients are of all of it already.
 *
 * <pre>{@code
 * DataParallel parallel = new DataParallel(network, communicator);
 * Tensor loss = parallel.share(network.forward(x, Mode.TRAINING).softmaxCrossEntropy(y), y.size());
 * loss.backward();
 * parallel.addGradients();
 * optimizer.step();
 * }</pre>
 *
 * <p>As many threads as ranks, or more, on a machine whose cores they share slow each other down:
 * {@code jbatchnorm.threads} is set for each.
 */
public final class DataParallel {
  private final Communicator ranks;
  private final List<Tensor> summed = new ArrayList<>();
  private final List<String> names = new ArrayList<>();

  /**
   * Gives all ranks what rank 0 has: parameters, running statistics and counts.
   *
   * @param network the same on all ranks but for the values
   * @param ranks between the ranks
   */
  public DataParallel(Layer network, Communicator ranks) {
    Objects.requireNonNull(network, "network");
    this.ranks = Objects.requireNonNull(ranks, "ranks");
    Set<Tensor> whole = Collections.newSetFromMap(new IdentityHashMap<>());
    for (BatchNorm layer : BatchNorms.of(network).values()) {
      if (layer.ranks() != null) {
        Collections.addAll(whole, layer.gamma(), layer.beta());
      }
    }
    for (State.Entry entry : State.of(network::visit)) {
      begin(entry);
      Tensor tensor = entry.tensor();
      if (entry.trained() && tensor != null && !whole.contains(tensor)) {
        summed.add(tensor);
        names.add(entry.name());
      }
    }
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
   * @param mean the loss, a mean over {@code samples}; anything, but a number, where there are none
   * @param samples how many this rank has
   * @return mean * samples / (samples of all ranks)
   * @throws IllegalArgumentException if no rank has any
   */
  public Tensor share(Tensor mean, long samples) {
    Objects.requireNonNull(mean, "mean");
    Storage total = Storage.allocate(DType.F64, 1);
    total.set(0, (double) samples);
    ranks.sum(total);
    if (!(total.get(0) > 0)) {
      throw new IllegalArgumentException("samples: expected some on one rank at least, got none");
    }
    return mean.multiply((double) samples / total.get(0));
  }

  /**
   * Adds up the gradients of all ranks: each parameter has the same one on all of them then.
   *
   * @throws IllegalStateException on all ranks, if a parameter has none on one
   */
  public void addGradients() {
    Storage missing = Storage.allocate(DType.F64, summed.size());
    for (int i = 0; i < summed.size(); i++) {
      missing.set(i, summed.get(i).grad() == null ? 1 : 0);
    }
    ranks.sum(missing);
    List<Storage> gradients = new ArrayList<>();
    for (int i = 0; i < summed.size(); i++) {
      Tensor grad = summed.get(i).grad();
      if (grad == null || missing.get(i) > 0) {
        throw new IllegalStateException(
            "gradients: %s has none on a rank: call backward first".formatted(names.get(i)));
      }
      gradients.add(grad.storage());
    }
    for (DType dtype : DType.values()) {
      addTogether(gradients.stream().filter(gradient -> gradient.dtype() == dtype).toList(), dtype);
    }
  }

  /** Adds up all gradients of a dtype as one. */
  private void addTogether(List<Storage> gradients, DType dtype) {
    int length = 0;
    for (Storage gradient : gradients) {
      length = Math.addExact(length, gradient.length());
    }
    if (length == 0) {
      return;
    }
    Storage together = Storage.scratch(dtype, length);
    int at = 0;
    for (Storage gradient : gradients) {
      together.copy(gradient, 0, at, gradient.length());
      at += gradient.length();
    }
    ranks.sum(together);
    at = 0;
    for (Storage gradient : gradients) {
      gradient.copy(together, at, 0, gradient.length());
      at += gradient.length();
    }
    together.close();
  }
}
