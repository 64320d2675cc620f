package io.github.jbatchnorm.kernel;

/** What each call expects of its arguments, one method a call. */
final class Checks {
  private Checks() {}

  static void forward(ForwardArguments a) {
    owner(a.owner);
    if (a.given != null && a.givenMean != null) {
      throw new IllegalArgumentException("given: statistics are given twice");
    }
    Arguments arguments =
        Arguments.of(a.shape, a.eps)
            .needed("x", a.x)
            .data("x", a.x)
            .data("z", a.z)
            .channels("gamma", a.gamma)
            .channels("beta", a.beta)
            .channels("given mean", a.givenMean)
            .channels("given var", a.givenVar)
            .saved("given", a.given)
            .weights(a.weights)
            .dataOut("y", a.y)
            .channelsOut("mean", a.mean)
            .channelsOut("var", a.var)
            .savedOut("saved", a.saved);
    if (a.invertible) {
      arguments.invertible(a.slope, a.gamma, a.z, a.weights);
    }
    arguments.forget();
  }

  static void backward(BackwardArguments a) {
    owner(a.owner);
    Arguments arguments =
        Arguments.of(a.shape, a.eps)
            .needed("x", a.x)
            .needed("dy", a.dy)
            .needed("saved", a.saved)
            .data("x", a.x)
            .data("dy", a.dy)
            .data("y", a.y)
            .channels("gamma", a.gamma)
            .channels("beta", a.beta)
            .saved("saved", a.saved)
            .weights(a.weights)
            .dataOut("dx", a.dx)
            .dataOut("dz", a.dz)
            .distinct("dz", a.dz, "x", a.x)
            .channelsOut("dGamma", a.dGamma)
            .channelsOut("dBeta", a.dBeta);
    if (a.inverted) {
      arguments.invertible(a.slope, a.gamma, a.y, a.weights);
    }
    arguments.forget();
  }

  static void second(SecondArguments a) {
    owner(a.owner);
    Arguments.of(a.shape, a.eps)
        .needed("x", a.x)
        .needed("dy", a.dy)
        .needed("saved", a.saved)
        .data("x", a.x)
        .data("dy", a.dy)
        .channels("gamma", a.gamma)
        .saved("saved", a.saved)
        .data("v", a.v)
        .channels("vGamma", a.vGamma)
        .channels("vBeta", a.vBeta)
        .channelsOut("gGamma", a.gGamma)
        .apart("gx", a.gx)
        .apart("gdy", a.gdy)
        .forget();
  }

  /**
   * Checks that the calling thread may use an object of arguments: the one that made it, so that
   * nothing changes between the checks and the call.
   */
  static void owner(Thread owner) {
    if (Thread.currentThread() != owner) {
      throw new IllegalStateException(
          "arguments: expected the thread that made them, %s, got %s: make others on this one"
              .formatted(owner.getName(), Thread.currentThread().getName()));
    }
  }

  /** Returns an argument that has to be there. */
  static <T> T needed(String name, T argument) {
    if (argument == null) {
      throw new IllegalArgumentException("%s: expected a value, got null".formatted(name));
    }
    return argument;
  }
}
