package io.github.jbatchnorm.kernel;

/** What each call expects of its arguments, one method a call. */
final class Checks {
  private Checks() {}

  static void forward(ForwardArguments a) {
    if (a.given != null && a.givenMean != null) {
      throw new IllegalArgumentException("given: statistics are given twice");
    }
    Arguments arguments =
        Arguments.of(a.shape, a.eps)
            .data("x", a.x)
            .data("z", a.z)
            .channels("gamma", a.gamma)
            .channels("beta", a.beta)
            .channels("mean", a.givenMean)
            .channels("var", a.givenVar)
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
    Arguments arguments =
        Arguments.of(a.shape, a.eps)
            .data("x", a.x)
            .data("dy", a.dy)
            .data("y", a.y)
            .channels("gamma", a.gamma)
            .channels("beta", a.beta)
            .saved("saved", a.saved)
            .weights(a.weights)
            .dataOut("dx", a.dx)
            .dataOut("dz", a.dz)
            .channelsOut("dGamma", a.dGamma)
            .channelsOut("dBeta", a.dBeta);
    if (a.inverted) {
      arguments.invertible(a.slope, a.gamma, a.y, a.weights);
    }
    arguments.forget();
  }

  static void second(SecondArguments a) {
    Arguments.of(a.shape, a.eps)
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
}
