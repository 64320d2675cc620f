package io.github.jbatchnorm.autograd;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A part of a model that keeps none of its intermediate results: backward computes them again (Chen
 * et al., 2016). Batch norm's running statistics move once: {@link #isRecomputing} is true the
 * second time; what a layer takes from state that changes in between goes through {@link #kept}.
 * {@link Gradients#of} records that computation, and with it what the block keeps.
 */
public final class Checkpoint extends Operation {
  private static final ThreadLocal<Boolean> RECOMPUTING = ThreadLocal.withInitial(() -> false);

  /** Of the innermost block that the thread computes. */
  private static final ThreadLocal<@Nullable Kept> CURRENT = new ThreadLocal<>();

  private final UnaryOperator<Tensor> block;
  private List<Tensor> parameters;
  private Kept kept = new Kept(null);

  private Checkpoint(UnaryOperator<Tensor> block, List<Tensor> inputs) {
    super(inputs.toArray(Tensor[]::new));
    this.block = block;
    this.parameters = inputs.subList(1, inputs.size());
  }

  /**
   * {@return {@code block.apply(x)}}
   *
   * @param block computes the same each time it is called with the same x
   * @param x its input
   * @param parameters every other variable that gradients flow to through the block
   */
  public static Tensor of(UnaryOperator<Tensor> block, Tensor x, List<Tensor> parameters) {
    Objects.requireNonNull(block, "block");
    Objects.requireNonNull(x, "x");
    List<Tensor> inputs = new ArrayList<>(List.of(x));
    Operation.checked("parameters", parameters).stream()
        .distinct()
        .forEach(inputs::add); // each has one gradient
    return new Checkpoint(block, inputs).apply();
  }

  /** {@return true where the calling thread computes a block again, for its gradients} */
  public static boolean isRecomputing() {
    return RECOMPUTING.get();
  }

  /** {@return true where the calling thread computes a block, the first time or again} */
  public static boolean isComputing() {
    return CURRENT.get() != null;
  }

  /**
   * {@return a value, and the same one where a block is computed again: what a layer's forward
   * takes from state that may change before backward does} Outside of blocks it is just the value.
   *
   * @param <T> what is returned
   * @param value computes it where it is not known yet
   * @throws IllegalStateException if the block asks for more values than it did the first time
   */
  public static <T> T kept(Supplier<T> value) {
    Kept current = CURRENT.get();
    return current == null ? value.get() : current.take(value);
  }

  /** The values that a block was given, in order; those of a block inside go through it. */
  private static final class Kept {
    private final @Nullable Kept outer;
    private final List<Object> values = new ArrayList<>();
    private int next = -1; // -1 where they are not given again

    Kept(@Nullable Kept outer) {
      this.outer = outer;
    }

    @SuppressWarnings("unchecked") // the block asks for the same values in the same order
    <T> T take(Supplier<T> value) {
      if (next >= 0) {
        if (next == values.size()) {
          throw new IllegalStateException("checkpoint: the block computes other than before");
        }
        return (T) values.get(next++);
      }
      T taken = outer == null ? value.get() : outer.take(value);
      values.add(taken);
      return taken;
    }

    Tensor apply(UnaryOperator<Tensor> block, Tensor x) {
      Kept before = CURRENT.get();
      CURRENT.set(this);
      try {
        return block.apply(x);
      } finally {
        CURRENT.set(before);
      }
    }

    Tensor applyAgain(UnaryOperator<Tensor> block, Tensor x) {
      next = 0;
      return apply(block, x);
    }
  }

  @Override
  protected Tensor forward() {
    kept = new Kept(CURRENT.get());
    return kept.apply(block, input(0)).asConstant();
  }

  @Override
  protected @Nullable Tensor[] backward(Tensor grad) {
    boolean before = RECOMPUTING.get();
    RECOMPUTING.set(true);
    try {
      return recomputed(grad);
    } finally {
      RECOMPUTING.set(before);
    }
  }

  /**
   * The gradients of the block for each input as if they were independent: how one was computed
   * from another is for the tape to follow.
   */
  private @Nullable Tensor[] recomputed(Tensor grad) {
    checkParameters();
    List<Tensor> independent = new ArrayList<>(inputs());
    independent.set(0, blockInput());
    List<Node> ends = independent.stream().map(Tensor::node).toList();
    Tensor y = NoAutodiff.callRecording(() -> kept.applyAgain(block, independent.get(0)));
    IdentityHashMap<Node, Tensor> found = Tape.found(y, grad, Set.copyOf(ends));
    return gradients(i -> Gradients.orZero(found.get(ends.get(i)), independent.get(i)));
  }

  /** The block knows its parameters by itself: it would compute with what they are now. */
  private void checkParameters() {
    for (int i = 0; i < parameters.size(); i++) {
      if (parameters.get(i).node() != input(i + 1).node()) {
        throw new InvalidBackpropException(
            "%s: parameter %s was changed in place since: the block would compute other than before"
                .formatted(name(), i));
      }
    }
  }

  /** Returns x as a tensor of the block's own: the block may use x itself as a parameter too. */
  private Tensor blockInput() {
    Tensor x = input(0);
    if (x.isConstant()) {
      return x;
    }
    return NoAutodiff.isRecording() ? new Shaping.Reshape(x, x.shape()).apply() : x.detached();
  }

  @Override
  protected void release() {
    parameters = List.of();
    kept = new Kept(null);
  }
}
