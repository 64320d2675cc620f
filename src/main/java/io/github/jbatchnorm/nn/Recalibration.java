package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.arrays.Products;
import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.batchnorm.ExactMoments;
import io.github.jbatchnorm.memory.MemoryScope;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Recalibrates the running statistics of a model's batch norms, one after the other, to the exact
 * mean and variance of what comes to each over all of the data, when those before it have theirs:
 * those of one training pass with all of the data as one batch. Data may lie in parts, on many
 * machines: the same data give the same bits, however they are cut into parts and batches, and in
 * whatever order these are added and merged. Products of matrices are ordered for it ({@code
 * jbatchnorm.matmul}); a function among the layers must not mix samples.
 *
 * <p>All of the data are gone over once for each batch norm:
 *
 * <pre>
 * while (!recalibration.remaining().isEmpty()) {
 *   Recalibration.Part part = recalibration.part(); // each machine its own, by their bytes
 *   for (Tensor x : data) part.add(x);              // then merged
 *   recalibration.finish(part);
 * }
 * </pre>
 *
 * {@link Serving#recalibrateExactly} is this on one machine. For one thread; several threads that
 * go over parts at a time have a recalibration each, of one model.
 */
public final class Recalibration {
  private final Layer model;
  private final Map<String, BatchNorm> shown;
  private final Set<String> remaining = new LinkedHashSet<>();

  /**
   * Begins with all batch norms that have running statistics, but for those that are frozen.
   *
   * @param model whose running statistics {@link #finish} will change
   */
  public Recalibration(Layer model) {
    this(model, tracked(model));
  }

  /**
   * Begins where another machine's has come to.
   *
   * @param model as it is there
   * @param remaining what {@link #remaining()} is there
   * @throws IllegalArgumentException if the model has no such batch norm
   */
  public Recalibration(Layer model, Collection<String> remaining) {
    this.model = Objects.requireNonNull(model, "model");
    this.shown = BatchNorms.of(model);
    for (String name : Objects.requireNonNull(remaining, "remaining")) {
      BatchNorm norm = shown.get(name);
      if (norm == null || norm.statistics() == null) {
        throw new IllegalArgumentException(
            "remaining: the model has no batch norm %s with running statistics"
                .formatted(text(name)));
      }
      this.remaining.add(name);
    }
  }

  private static Set<String> tracked(Layer model) {
    Set<String> names = new LinkedHashSet<>();
    Set<BatchNorm> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    BatchNorms.of(Objects.requireNonNull(model, "model"))
        .forEach(
            (name, norm) -> {
              if (norm.movesStatistics() && seen.add(norm)) {
                names.add(name);
              }
            });
    return names;
  }

  /** Returns a name as it stands in messages: without the dot before what a layer has inside. */
  static String text(String name) {
    if (name.isEmpty()) {
      return "(the model)";
    }
    return name.endsWith(".") ? name.substring(0, name.length() - 1) : name;
  }

  /** {@return the batch norms whose turn is yet to come, by what their state's names begin with} */
  public List<String> remaining() {
    return List.copyOf(remaining);
  }

  /** {@return a part of the pass that is next, without data} */
  public Part part() {
    return new Part();
  }

  /**
   * {@return a part that another machine has gone over}
   *
   * @param bytes what {@link Part#toBytes} gave there
   * @throws IllegalArgumentException if they are of something else
   */
  public Part part(byte[] bytes) {
    Objects.requireNonNull(bytes, "bytes");
    Part part = new Part();
    part.read(bytes);
    return part;
  }

  /**
   * Ends a pass: the batch norm that it came to gets its statistics. If it came to none, those that
   * remain keep what they have.
   *
   * @param all the parts of all of the data, merged
   * @throws IllegalArgumentException if there were no data, or only one element a channel
   */
  public void finish(Part all) {
    Objects.requireNonNull(all, "all");
    if (all.samples == 0) {
      throw new IllegalArgumentException("all: expected data, got none");
    }
    String name = all.name;
    ExactMoments moments = all.moments;
    if (name == null || moments == null) {
      remaining.clear();
      return;
    }
    if (moments.count() < 2) {
      throw new IllegalArgumentException(
          "all: batch norm %s needs more than one element a channel, got %s"
              .formatted(text(name), moments.count()));
    }
    Objects.requireNonNull(shown.get(name).statistics()).become(moments);
    remaining.remove(name);
  }

  /** What a pass has found in a part of the data. */
  public final class Part {
    private long samples;
    private @Nullable String name;
    private @Nullable ExactMoments moments;

    private Part() {}

    /**
     * Evaluates the model up to the batch norm whose turn it is, and adds what comes to it.
     *
     * @param x inputs of the model, a batch of any size
     * @return this
     * @throws IllegalArgumentException as the model's forward, or if it runs a batch norm that it
     *     does not show, or one of them twice or with a mask, or not the same one for all data
     */
    public Part add(Tensor x) {
      Objects.requireNonNull(x, "x");
      MemoryScope.run(() -> Products.ordered(() -> NoAutodiff.call(() -> addInScope(x))));
      return this;
    }

    private Part addInScope(Tensor x) {
      if (x.ndim() == 0 || x.dim(0) == 0) {
        return this;
      }
      InputWatch.Input input = InputWatch.first(model, shown, remaining, x);
      arriveAt(input == null ? null : input.name(), x.dim(0));
      if (input != null) {
        Tensor at = input.x();
        if (moments == null) {
          int channels = input.norm().runningMean().size();
          moments = ExactMoments.none(at.dtype(), channels);
        }
        moments.add(at, input.norm().options().layout());
      }
      return this;
    }

    private void arriveAt(@Nullable String other, long more) {
      if (samples > 0 && !Objects.equals(name, other)) {
        throw new IllegalArgumentException(
            "model: comes to batch norm %s with some data, to %s with others"
                .formatted(
                    name == null ? "none" : text(name), other == null ? "none" : text(other)));
      }
      name = other;
      samples = Math.addExact(samples, more);
    }

    /**
     * Adds what another part of the same pass has found.
     *
     * @param other of this recalibration
     * @return this
     * @throws IllegalArgumentException if it came to another batch norm
     */
    public Part merge(Part other) {
      Objects.requireNonNull(other, "other");
      if (other.samples == 0) {
        return this;
      }
      arriveAt(other.name, other.samples);
      if (moments != null && other.moments != null) {
        moments.merge(other.moments);
      } else if (other.moments != null) {
        moments = ExactMoments.of(other.moments.toBytes());
      }
      return this;
    }

    /**
     * {@return all of it, for {@link Recalibration#part(byte[])}; the same bytes for the same data}
     */
    public byte[] toBytes() {
      byte[] text = name == null ? new byte[0] : name.getBytes(StandardCharsets.UTF_8);
      byte[] found = moments == null ? new byte[0] : moments.toBytes();
      return ByteBuffer.allocate(Long.BYTES + Integer.BYTES + text.length + found.length)
          .putLong(samples)
          .putInt(name == null ? -1 : text.length)
          .put(text)
          .put(found)
          .array();
    }

    private void read(byte[] bytes) {
      ByteBuffer buffer = ByteBuffer.wrap(bytes);
      int header = Long.BYTES + Integer.BYTES;
      int length = bytes.length < header ? -2 : buffer.getInt(Long.BYTES);
      if (length < -1 || length > bytes.length - header || buffer.getLong(0) < 0) {
        throw new IllegalArgumentException("bytes: expected those of a part");
      }
      samples = buffer.getLong(0);
      if (length >= 0) {
        byte[] found = new byte[bytes.length - header - length];
        buffer.position(header + length).get(found);
        name = new String(bytes, header, length, StandardCharsets.UTF_8);
        moments = ExactMoments.of(found);
      }
    }
  }
}
