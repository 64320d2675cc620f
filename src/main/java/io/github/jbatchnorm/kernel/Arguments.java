package io.github.jbatchnorm.kernel;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.memory.Storage;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The checks of one call's arguments, the same for both kernels and before either touches memory.
 * Chained: each method adds an argument, inputs before outputs.
 */
final class Arguments {
  private static final int MOST = 12;

  /** What is done with an argument: an output in place may be one of the inputs it replaces. */
  private enum Use {
    INPUT,
    REPLACED,
    IN_PLACE,
    OUTPUT
  }

  /** Each thread has one, so that a call allocates nothing. */
  private static final ThreadLocal<Arguments> OWN = ThreadLocal.withInitial(Arguments::new);

  private final String[] names = new String[MOST];
  private final @Nullable Storage[] storages = new Storage[MOST];
  private final Use[] uses = new Use[MOST];
  private int count;
  private int elements;
  private int positions;
  private int channels;
  private DType dtype = DType.F32;

  private Arguments() {}

  /** Returns the thread's own, without arguments yet. */
  static Arguments of(BatchNormShape shape, double eps) {
    if (!(eps >= 0) || Double.isInfinite(eps)) {
      throw new IllegalArgumentException("eps: expected a finite value of 0 or more, got " + eps);
    }
    Arguments arguments = OWN.get();
    arguments.forget();
    arguments.elements = shape.size();
    arguments.positions = (int) shape.m();
    arguments.channels = shape.c();
    arguments.dtype = shape.dtype();
    return arguments;
  }

  /** Ends the checks: lets go of the arguments. */
  void forget() {
    Arrays.fill(storages, 0, count, null);
    count = 0;
  }

  private IllegalArgumentException refused(String message) {
    forget();
    return new IllegalArgumentException(message);
  }

  /** Checks that an argument is there. */
  Arguments needed(String name, @Nullable Storage argument) {
    if (argument == null) {
      throw refused("%s: expected a storage, got null".formatted(name));
    }
    return this;
  }

  /** Adds inputs of N*C*S elements that an output may replace, or null. */
  Arguments data(String name, @Nullable Storage argument) {
    return add(name, argument, elements, "N*C*S", dtype, Use.REPLACED);
  }

  /** Adds an output of N*C*S elements that may replace an input. */
  Arguments dataOut(String name, @Nullable Storage argument) {
    return add(name, argument, elements, "N*C*S", dtype, Use.IN_PLACE);
  }

  /** Adds an output of N*C*S elements that replaces none. */
  Arguments apart(String name, @Nullable Storage argument) {
    return add(name, argument, elements, "N*C*S", dtype, Use.OUTPUT);
  }

  /** Adds an input of C elements. */
  Arguments channels(String name, @Nullable Storage argument) {
    return add(name, argument, channels, "C", dtype.parameters(), Use.INPUT);
  }

  /** Adds an output of C elements. */
  Arguments channelsOut(String name, @Nullable Storage argument) {
    return add(name, argument, channels, "C", dtype.parameters(), Use.OUTPUT);
  }

  /** Adds an input of 4*C saved statistics. */
  Arguments saved(String name, @Nullable Storage argument) {
    return add(name, argument, saved(), "4*C", DType.F64, Use.INPUT);
  }

  /** Adds an output of 4*C saved statistics. */
  Arguments savedOut(String name, @Nullable Storage argument) {
    return add(name, argument, saved(), "4*C", DType.F64, Use.OUTPUT);
  }

  private long saved() {
    return (long) BatchNormKernel.SAVED_PER_CHANNEL * channels;
  }

  /** Adds N*S weights. */
  Arguments weights(@Nullable Weights argument) {
    Storage values = argument == null ? null : argument.values();
    return add("weights", values, positions, "N*S", DType.F64, Use.INPUT);
  }

  /** Checks that xHat can be recovered from y. */
  Arguments invertible(
      double slope,
      @Nullable Storage gamma,
      @Nullable Storage excluded,
      @Nullable Weights weights) {
    if (excluded != null || weights != null) {
      throw refused(
          "inverted: x cannot be recovered where forward had weights or z, nor is y needed");
    }
    if (slope < BatchNormOptions.INVERTIBLE) {
      throw refused(
          "slope: a tail that is to be inverted needs %s or more, got %s"
              .formatted(BatchNormOptions.INVERTIBLE, slope));
    }
    for (int c = 0; gamma != null && c < gamma.length(); c++) {
      if (!(Math.abs(gamma.get(c)) >= BatchNormOptions.INVERTIBLE)) {
        throw refused(
            "gamma: xHat is recovered from y only where |gamma| is %s or more, got %s in channel %s"
                .formatted(BatchNormOptions.INVERTIBLE, gamma.get(c), c));
      }
    }
    return this;
  }

  /** Checks that an output has nothing of an input that other outputs may replace. */
  Arguments distinct(String name, @Nullable Storage output, String input, @Nullable Storage of) {
    if (output != null && of != null && output.overlaps(of)) {
      throw overlap(name, output, input, of);
    }
    return this;
  }

  private Arguments add(
      String name, @Nullable Storage argument, long length, String formula, DType wanted, Use use) {
    if (argument == null) {
      return this;
    }
    if (argument.length() != length) {
      throw refused(
          "%s: expected %s elements (%s), got %s"
              .formatted(name, length, formula, argument.length()));
    }
    if (argument.dtype() != wanted) {
      throw refused("%s: expected dtype %s, got %s".formatted(name, wanted, argument.dtype()));
    }
    argument.checkOpen(); // closed memory is refused before anything is written
    if (use == Use.IN_PLACE || use == Use.OUTPUT) {
      refuseOverlaps(name, argument, use);
    }
    names[count] = name;
    uses[count] = use;
    storages[count++] = argument;
    return this;
  }

  private void refuseOverlaps(String name, Storage output, Use use) {
    for (int other = 0; other < count; other++) {
      Storage earlier = storages[other];
      if (earlier != null && output.overlaps(earlier)) {
        boolean inPlace = use == Use.IN_PLACE && uses[other] == Use.REPLACED;
        if (!inPlace || !output.coincides(earlier)) {
          throw overlap(name, output, names[other], earlier);
        }
      }
    }
  }

  private IllegalArgumentException overlap(
      String name, Storage argument, String input, Storage earlier) {
    String how = argument.coincides(earlier) ? "is the same memory as" : "overlaps";
    return refused("%s: %s %s".formatted(name, how, input));
  }
}
