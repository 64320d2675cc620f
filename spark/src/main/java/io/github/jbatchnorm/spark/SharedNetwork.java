package io.github.jbatchnorm.spark;

import io.github.jbatchnorm.arrays.Products;
import io.github.jbatchnorm.autograd.NoAutodiff;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.MemoryScope;
import io.github.jbatchnorm.nn.Mode;
import io.github.jbatchnorm.nn.Sequential;
import io.github.jbatchnorm.nn.Serving;
import io.github.jbatchnorm.nn.StateFile;
import io.github.jbatchnorm.platform.OneThread;
import java.io.Serializable;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A network as it is broadcast: how it is made and its state. Each process makes it once, when its
 * first task needs it, for all of its tasks.
 */
final class SharedNetwork implements Serializable {
  private static final long serialVersionUID = 1;

  private final String factory;
  private final NetworkState state;
  private transient volatile @Nullable Sequential network;
  private transient volatile @Nullable Sequential folded;

  /**
   * Does not make it yet.
   *
   * @param factory the name of a {@link NetworkFactory}
   */
  SharedNetwork(String factory, NetworkState state) {
    this.factory = factory;
    this.state = state;
  }

  /**
   * Returns a new network with the state.
   *
   * @throws IllegalArgumentException if there is no such factory, or the state is of other layers
   */
  Sequential create() {
    Sequential created = factory(factory).create();
    StateFile.load(state.tensors(), created::visit);
    return created;
  }

  /** Returns this process's network. */
  Sequential network() {
    Sequential known = network;
    return known == null ? makeNetwork() : known;
  }

  private synchronized Sequential makeNetwork() {
    Sequential known = network;
    if (known == null) {
      known = create();
      network = known;
    }
    return known;
  }

  /** Returns this process's network without batch norms. */
  Sequential folded() {
    Sequential known = folded;
    return known == null ? fold() : known;
  }

  private synchronized Sequential fold() {
    Sequential known = folded;
    if (known == null) {
      known = Serving.folded(create());
      folded = known;
    }
    return known;
  }

  /**
   * Returns the folded network's outputs, one for each row: the same bits whichever rows are
   * evaluated together, and on every machine.
   *
   * @param elements of so many rows of a column, one after the other, rounded to f32
   */
  double[][] evaluate(InputColumn input, double[] elements, int rows) {
    Sequential evaluated = folded();
    return asTask(
        () -> {
          Tensor x = input.tensor(DType.F32, elements, rows);
          Tensor y = NoAutodiff.call(() -> evaluated.forward(x, Mode.EVALUATION));
          if (y.ndim() == 0 || y.dim(0) != rows) {
            throw new IllegalArgumentException(
                "network: expected an output of shape (%s, ...) for %s rows, got %s"
                    .formatted(rows, rows, Arrays.toString(y.shape())));
          }
          double[][] result = new double[rows][y.size() / rows];
          for (int row = 0; row < rows; row++) {
            y.storage().read(row * result[row].length, result[row], 0, result[row].length);
          }
          return result;
        });
  }

  /** Runs as one of as many tasks as there are processors, with ordered products of matrices. */
  static <T> T asTask(Supplier<T> action) {
    return OneThread.call(
        () ->
            Products.ordered(
                () -> {
                  MemoryScope scope = MemoryScope.open();
                  try {
                    return action.get();
                  } finally {
                    scope.close();
                  }
                }));
  }

  /**
   * Returns an instance of a factory.
   *
   * @throws IllegalArgumentException if it cannot be made
   */
  static NetworkFactory factory(String name) {
    try {
      ClassLoader loader = Thread.currentThread().getContextClassLoader();
      Class<?> type = Class.forName(name, true, loader);
      if (NetworkFactory.class.isAssignableFrom(type) && Modifier.isPublic(type.getModifiers())) {
        return (NetworkFactory) type.getConstructor().newInstance();
      }
    } catch (ReflectiveOperationException e) {
      throw notUsable(name, e);
    }
    throw notUsable(name, null);
  }

  private static IllegalArgumentException notUsable(
      String name, @Nullable ReflectiveOperationException cause) {
    return new IllegalArgumentException(
        "network: expected a public class that implements NetworkFactory, with a public constructor"
            + " without arguments, got "
            + name,
        cause);
  }
}
