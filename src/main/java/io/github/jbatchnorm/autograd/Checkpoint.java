package io.github.jbatchnorm.autograd;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A part of a model that keeps none of its intermediate results: backward computes them again (Chen
 * et al., 2016). Batch norm's running statistics move once: {@link #isRecomputing} is true the
 * second time. {@link Gradients#of} records that computation, and with it what the block keeps.
 */
public final class Checkpoint extends Operation {
  private static final ThreadLocal<Boolean> RECOMPUTING = ThreadLocal.withInitial(() -> false);

  private final UnaryOperator<Tensor> block;
  private List<Tensor> gradients = List.of();
  private @Nullable Tensor gradientsOf;
  private boolean gradientsRecorded;

  private Checkpoint(UnaryOperator<Tensor> block, Tensor... inputs) {
    super(inputs);
    this.block = block;
  }

  /**
   * Returns {@code block.apply(x)}.
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
    return new Checkpoint(block, inputs.toArray(Tensor[]::new)).apply();
  }

  /** Returns true where the calling thread computes a block again, for its gradients. */
  public static boolean isRecomputing() {
    return RECOMPUTING.get();
  }

  @Override
  protected Tensor forward() {
    return block.apply(input(0)).asConstant();
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    if (gradientsOf != grad || gradientsRecorded != NoAutodiff.isRecording()) {
      gradients = compute(grad);
      gradientsOf = grad;
      gradientsRecorded = NoAutodiff.isRecording();
    }
    return gradients.get(input);
  }

  private List<Tensor> compute(Tensor grad) {
    boolean before = RECOMPUTING.get();
    RECOMPUTING.set(true);
    try {
      return gradients(grad);
    } finally {
      RECOMPUTING.set(before);
    }
  }

  /**
   * The gradients of the block for each input as if they were independent: how one was computed
   * from another is for the tape to follow.
   */
  private List<Tensor> gradients(Tensor grad) {
    List<Tensor> independent = new ArrayList<>(inputs());
    independent.set(0, blockInput());
    Tensor y = NoAutodiff.callRecording(() -> block.apply(independent.get(0)));
    IdentityHashMap<Tensor, Tensor> found = Tape.found(y, grad, Set.copyOf(independent));
    return independent.stream()
        .map(
            x -> x.isConstant() ? x : Gradients.orZero(found.get(x), x)) // no one asks a constant's
        .toList();
  }

  /** Returns x as a tensor of the block's own: the block may use x itself as a parameter too. */
  private Tensor blockInput() {
    Tensor x = input(0);
    if (x.isConstant()) {
      return x;
    }
    return NoAutodiff.isRecording() ? new Reshape(x, x.shape()).apply() : x.detached();
  }

  /** The block is the user's, and may keep what it makes. */
  @Override
  boolean leavesTemporaries() {
    return false;
  }

  @Override
  void release() {
    gradients = List.of();
    gradientsOf = null;
  }
}
