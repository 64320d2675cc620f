package io.github.jbatchnorm.kernel;

import org.jspecify.annotations.Nullable;

/** What each call expects of its arguments, one method a call. */
final class Checks {
  private Checks() {}

  static void forward(
      BatchNormShape shape,
      Storage x,
      @Nullable Storage gamma,
      @Nullable Storage beta,
      double eps,
      Storage y,
      @Nullable Storage mean,
      @Nullable Storage var,
      @Nullable Storage saved) {
    Arguments inputs =
        new Arguments(shape, eps)
            .data("x", x)
            .optionalChannels("gamma", gamma)
            .optionalChannels("beta", beta);
    int first = inputs.inputs();
    inputs
        .data("y", y)
        .optionalChannels("mean", mean)
        .optionalChannels("var", var)
        .optionalSaved(saved)
        .outputsApart(first);
  }

  static void infer(
      BatchNormShape shape,
      Storage x,
      @Nullable Storage gamma,
      @Nullable Storage beta,
      Storage mean,
      Storage var,
      double eps,
      Storage y) {
    Arguments inputs =
        new Arguments(shape, eps)
            .data("x", x)
            .optionalChannels("gamma", gamma)
            .optionalChannels("beta", beta)
            .channels("mean", mean)
            .channels("var", var);
    int first = inputs.inputs();
    inputs.data("y", y).outputsApart(first);
  }

  static void backward(
      BatchNormShape shape,
      Storage x,
      Storage dy,
      @Nullable Storage gamma,
      Storage saved,
      double eps,
      @Nullable Storage dx,
      @Nullable Storage dGamma,
      @Nullable Storage dBeta) {
    Arguments inputs =
        new Arguments(shape, eps)
            .data("x", x)
            .data("dy", dy)
            .optionalChannels("gamma", gamma)
            .saved(saved);
    int first = inputs.inputs();
    inputs
        .optionalData("dx", dx)
        .optionalChannels("dGamma", dGamma)
        .optionalChannels("dBeta", dBeta)
        .outputsApart(first);
  }
}
