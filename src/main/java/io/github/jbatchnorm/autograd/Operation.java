package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.memory.MemoryScope;
import io.github.jbatchnorm.memory.Storage;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A differentiable function of tensors: one application of it, with its inputs. A subclass holds
 * forward and its gradient next to each other; {@code new Op(x, y).apply()} computes and records.
 *
 * <p>The gradient is written in operations on tensors. During {@link Tensor#backward()} these are
 * not recorded. A gradient may differ in shape from its input by broadcasting only: the tape sums
 * it back to the input's shape and casts it to the input's dtype. It is that of one input, the
 * others and {@code grad} held fixed: what these were computed from is for the tape to follow, so
 * no gradient is to be found by {@link Gradients#of} from the inputs themselves.
 */
public abstract class Operation {
  private List<Tensor> inputs;

  /** What the inputs were when this was made; operations in place may have changed them since. */
  private Node[] nodes;

  private final int[] versions;
  private final @Nullable Operation[] creators;
  private boolean applied;
  private boolean cleared;

  /** The output of this application; null before {@link #apply} and once cleared. */
  private @Nullable Node output;

  private int outputVersion;
  private int outputUpdates;

  /**
   * Makes an application to the given inputs.
   *
   * @param inputs every tensor that the gradient is taken for, in order
   */
  protected Operation(Tensor... inputs) {
    this.inputs = checked("inputs", inputs);
    this.nodes = new Node[inputs.length];
    this.versions = new int[inputs.length];
    this.creators = new Operation[inputs.length];
    for (int i = 0; i < inputs.length; i++) {
      nodes[i] = inputs[i].node();
      versions[i] = nodes[i].version();
      creators[i] = nodes[i].creator;
    }
  }

  /** Returns tensors that are all there; {@code what} names them. */
  static List<Tensor> checked(String what, Tensor... tensors) {
    Objects.requireNonNull(tensors, what);
    for (int i = 0; i < tensors.length; i++) {
      if (tensors[i] == null) {
        throw new NullPointerException("%s: tensor %s is null".formatted(what, i));
      }
    }
    return List.of(tensors);
  }

  /** As {@link #checked(String, Tensor...)}. */
  static List<Tensor> checked(String what, List<Tensor> tensors) {
    return checked(what, Objects.requireNonNull(tensors, what).toArray(Tensor[]::new));
  }

  /**
   * {@return the inputs, in order; none once this part of the graph is cleared} In place of one
   * that an operation in place has changed since: a tensor of what it was.
   */
  public final List<Tensor> inputs() {
    for (int i = 0; i < nodes.length; i++) {
      if (inputs.get(i).node() != nodes[i]) {
        return IntStream.range(0, nodes.length).mapToObj(this::input).toList();
      }
    }
    return inputs;
  }

  /** Returns what the inputs were, not to be changed. */
  final Node[] nodes() {
    return nodes;
  }

  /**
   * {@return input {@code index}}
   *
   * @param index which input, from 0
   */
  protected final Tensor input(int index) {
    return inputs.get(index).at(nodes[index]);
  }

  /**
   * {@return the output: for gradients that are simplest in terms of it}
   *
   * @throws IllegalStateException before apply
   * @throws InvalidBackpropException if it was changed in place since
   */
  protected final Tensor output() {
    if (output == null) {
      throw new IllegalStateException(name() + ": no output before apply");
    }
    if (output.version() != outputVersion) {
      throw changed("output", output);
    }
    return new Tensor(output);
  }

  /**
   * {@return input {@code index} as the output of a forward that writes over it}
   *
   * @param index which input, from 0
   * @param change takes the input's memory, and throws before it begins or not at all
   */
  protected final Tensor overwritten(int index, Consumer<Storage> change) {
    Tensor input = input(index);
    input.overwrite(change);
    return input.view(input.axes());
  }

  /**
   * Whether forward writes over an input: by {@link #overwritten}.
   *
   * @param input which input, from 0
   * @return true where it does
   */
  protected boolean overwrites(int input) {
    return false;
  }

  /** {@return the operation's name, for messages} */
  public String name() {
    return getClass().getSimpleName();
  }

  /**
   * {@return what the operation is told beside its inputs, by name: numbers, booleans, texts,
   * arrays of numbers, and tensors that it takes numbers of, for who draws or writes it; none by
   * default}
   */
  public Map<String, Object> attributes() {
    return Map.of();
  }

  /**
   * Computes the output, a fresh tensor or a view of an input. Nothing in it is recorded.
   *
   * @return the output
   */
  protected abstract Tensor forward();

  /**
   * {@return the gradient for one input, a variable} Every operation overrides this method, or
   * {@link #backward(Tensor)} where it finds several gradients at once.
   *
   * @param input the input's index
   * @param grad the gradient of the output, of the output's shape
   */
  protected Tensor backward(int input, Tensor grad) {
    throw new UnsupportedOperationException(
        name() + ": overrides neither backward(input, grad) nor backward(grad)");
  }

  /**
   * {@return the gradients for all inputs, in order, null for those that are constant: one after
   * the other unless this is overridden}
   *
   * @param grad the gradient of the output, of the output's shape
   */
  protected @Nullable Tensor[] backward(Tensor grad) {
    return gradients(input -> backward(input, grad));
  }

  /**
   * {@return {@code gradient} of the index of every input that is a variable, null for others}
   *
   * @param gradient returns that of an input
   */
  protected final @Nullable Tensor[] gradients(IntFunction<Tensor> gradient) {
    @Nullable Tensor[] found = new Tensor[nodes.length];
    for (int i = 0; i < found.length; i++) {
      found[i] = nodes[i].constant ? null : gradient.apply(i);
    }
    return found;
  }

  /**
   * Computes the output and, outside {@link NoAutodiff}, records how: the output is constant if
   * every input is. A variable that enters a new graph loses the gradient of an older one.
   *
   * @return the output
   * @throws IllegalStateException if this was applied before
   */
  public final Tensor apply() {
    if (applied) {
      throw new IllegalStateException(
          name() + ": applied before: an operation is one application, make another");
    }
    applied = true;
    Tensor result;
    String user = MemoryScope.user(name());
    NoAutodiff.enter();
    try {
      result = forward();
    } finally {
      NoAutodiff.leave();
      MemoryScope.user(user);
    }
    if (!NoAutodiff.isRecording()) {
      clear();
      return result;
    }
    boolean constant = true;
    for (Node input : nodes) {
      if (!input.constant) {
        constant = false;
        input.grad = null;
      }
    }
    for (int i = 0; i < versions.length; i++) {
      versions[i] = overwrites(i) ? nodes[i].version() : versions[i];
    }
    output = result.node();
    output.creator = this;
    output.constant = constant;
    outputVersion = output.version();
    outputUpdates = output.updates();
    if (constant) {
      clear();
    }
    return result;
  }

  /**
   * Whether memory that backward allocates, but for the gradients it returns, is of no use to
   * anyone afterwards, so that it goes back at once; false unless overridden. Not for a backward
   * that keeps a tensor it made, or hands it to someone.
   *
   * @return true where it goes back after backward
   */
  protected boolean leavesTemporaries() {
    return false;
  }

  /** Ends this application's part in a graph: it lets go of its inputs and output. */
  final void clear() {
    cleared = true;
    inputs = List.of();
    nodes = new Node[0];
    output = null;
    release();
  }

  /** Lets go of memory that only backward needs. */
  protected void release() {}

  /** Checks that the gradient can still be computed from what forward saw. */
  final void checkUsable() {
    if (cleared) {
      throw new InvalidBackpropException(
          name() + ": this part of the graph was cleared by an earlier backward");
    }
    if (output != null && output.updates() != outputUpdates) {
      throw changed("output", output);
    }
    for (int i = 0; i < versions.length; i++) {
      if (nodes[i].version() != versions[i]) {
        throw changed("input " + i, nodes[i]);
      }
      if (nodes[i].creator != creators[i]) {
        throw new InvalidBackpropException(
            "%s: the graph below input %s was cleared by an earlier backward".formatted(name(), i));
      }
    }
  }

  private InvalidBackpropException changed(String what, Node node) {
    return new InvalidBackpropException(
        "%s: %s of shape %s was changed in place between forward and backward"
            .formatted(name(), what, Shapes.text(node.shape)));
  }
}
