package io.github.jbatchnorm.kernel;

import org.jspecify.annotations.Nullable;

/**
 * The checks of one call's arguments, the same for both kernels and before either touches memory.
 * Chained: each method adds an argument, {@link #outputsApart} ends the chain.
 */
final class Arguments {
  private static final int MOST = 9;

  private final BatchNormShape shape;
  private final String[] names = new String[MOST];
  private final Storage[] given = new Storage[MOST];
  private int count;

  Arguments(BatchNormShape shape, double eps) {
    this.shape = shape;
    if (!(eps >= 0) || Double.isInfinite(eps)) {
      throw new IllegalArgumentException("eps: expected a finite value of 0 or more, got " + eps);
    }
  }

  /** Adds an argument of N*C*S elements. */
  Arguments data(String name, Storage argument) {
    return add(name, argument, shape.size(), "N*C*S", shape.dtype());
  }

  /** Adds an argument of N*C*S elements that may be left out. */
  Arguments optionalData(String name, @Nullable Storage argument) {
    return argument == null ? this : data(name, argument);
  }

  /** Adds an argument of C elements. */
  Arguments channels(String name, Storage argument) {
    return add(name, argument, shape.c(), "C", shape.dtype());
  }

  /** Adds an argument of C elements that may be left out. */
  Arguments optionalChannels(String name, @Nullable Storage argument) {
    return argument == null ? this : channels(name, argument);
  }

  /** Adds saved statistics. */
  Arguments saved(Storage argument) {
    long length = (long) BatchNormKernel.SAVED_PER_CHANNEL * shape.c();
    return add("saved", argument, length, "3*C", DType.F64);
  }

  /** Adds saved statistics that may be left out. */
  Arguments optionalSaved(@Nullable Storage argument) {
    return argument == null ? this : saved(argument);
  }

  /** The number of arguments so far: what follows is output. */
  int inputs() {
    return count;
  }

  /**
   * Checks that no argument from the {@code first} on, each an output, is another argument too.
   * Storages that overlap in part are found by the C ABI.
   */
  void outputsApart(int first) {
    for (int out = first; out < count; out++) {
      for (int other = 0; other < out; other++) {
        if (given[out] == given[other] && given[out].length() > 0) {
          throw new IllegalArgumentException(
              "%s: is the same memory as %s".formatted(names[out], names[other]));
        }
      }
    }
  }

  private Arguments add(String name, Storage argument, long length, String formula, DType dtype) {
    if (argument.length() != length) {
      throw new IllegalArgumentException(
          "%s: expected %d elements (%s), got %d"
              .formatted(name, length, formula, argument.length()));
    }
    if (argument.dtype() != dtype) {
      throw new IllegalArgumentException(
          "%s: expected dtype %s, got %s".formatted(name, dtype, argument.dtype()));
    }
    names[count] = name;
    given[count++] = argument;
    return this;
  }
}
