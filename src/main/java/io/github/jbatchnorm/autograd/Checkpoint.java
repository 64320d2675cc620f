package io.github.jbatchnorm.autograd;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A part of a model that keeps none of its intermediate results: backward computes them again (Chen
 * et al., 2016). Batch norm's running statistics move once: {@link #isRecomputing} is true the
 * second time. There are no gradients of gradients through it: {@link Gradients#of} throws.
 */
public final class Checkpoint extends Operation {
  private static final ThreadLocal<Boolean> RECOMPUTING = ThreadLocal.withInitial(() -> false);

  private final UnaryOperator<Tensor> block;
  private List<Tensor> gradients = List.of();
  private @Nullable Tensor gradientsOf;

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
    List<Tensor> inputs = new ArrayList<>(parameters);
    inputs.add(0, x);
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
    if (NoAutodiff.isRecording()) {
      throw new UnsupportedOperationException(
          "checkpoint: there are no gradients of gradients through a block that is computed again");
    }
    if (gradientsOf != grad) {
      gradients = compute(grad);
      gradientsOf = grad;
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

  private List<Tensor> gradients(Tensor grad) {
    Tensor x = input(0).isConstant() ? input(0) : input(0).detached();
    List<Tensor> wanted = new ArrayList<>();
    for (int i = 0; i < inputs().size(); i++) {
      Tensor input = i == 0 ? x : input(i);
      if (!input.isConstant()) {
        wanted.add(input);
      }
    }
    Tensor y = NoAutodiff.callRecording(() -> block.apply(x));
    List<Tensor> found = Gradients.unrecorded(y, grad, wanted);
    List<Tensor> all = new ArrayList<>();
    int next = 0;
    for (int i = 0; i < inputs().size(); i++) {
      // A constant's gradient is not asked for.
      all.add(input(i).isConstant() ? input(i) : found.get(next++).asConstant());
    }
    return all;
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
