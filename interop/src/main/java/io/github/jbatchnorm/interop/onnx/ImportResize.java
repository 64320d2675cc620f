package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.nn.StoredTensors;
import io.github.jbatchnorm.nn.functional.Functions;
import io.github.jbatchnorm.nn.io.FileFormatException;
import java.util.Arrays;
import java.util.Set;

/** Resize, and Upsample of before it: axes after the second become larger by whole factors. */
final class ImportResize {
  private static final int WITH_ROI = 11; // the version from which on sizes may be told
  private static final Set<String> CENTRED =
      Set.of("half_pixel", "pytorch_half_pixel", "half_pixel_symmetric");

  private ImportResize() {}

  static OnnxNetwork.Function read(NodeArguments node) throws FileFormatException {
    boolean linear = isLinear(node);
    node.ignore("cubic_coeff_a");
    node.ignore("extrapolation_value");
    node.expect("exclude_outside", 0);
    node.expect("antialias", 0);
    boolean old = node.opset() < WITH_ROI || node.node().operator().equals("Upsample");
    int scales = old ? 1 : 2;
    if (old || isThere(node, scales)) {
      int[] factors = factors(node, scales);
      node.take(0);
      return (in, mode) -> apply(in[0], linear, factors);
    }
    ImportSizes.Sizes sizes = ImportSizes.sizes(node, 3);
    return (in, mode) -> apply(in[0], linear, factors(in[0], sizes.of(in)));
  }

  /** An input that is left out may also be a tensor without elements. */
  private static boolean isThere(NodeArguments node, int input) throws FileFormatException {
    return node.hasInput(input)
        && !(node.isFixed(input) && node.fixed(input).bytes().remaining() == 0);
  }

  private static boolean isLinear(NodeArguments node) throws FileFormatException {
    String mode = node.text("mode", "nearest");
    boolean told = node.opset() >= WITH_ROI;
    String where = told ? node.text("coordinate_transformation_mode", "half_pixel") : "asymmetric";
    String nearest = told ? node.text("nearest_mode", "round_prefer_floor") : "floor";
    if (!mode.equals("nearest") && !mode.equals("linear")) {
      throw node.attribute("mode", "expected nearest or linear, got " + mode);
    }
    boolean linear = mode.equals("linear");
    // Of whole factors these repeat each element.
    boolean repeats =
        CENTRED.contains(where)
            ? nearest.startsWith("round_prefer_")
            : where.equals("asymmetric") && nearest.equals("floor");
    if (linear ? !CENTRED.contains(where) : !repeats) {
      throw node.attribute(
          "coordinate_transformation_mode",
          "%s is not read with mode %s%s"
              .formatted(where, mode, linear ? "" : " and nearest_mode " + nearest));
    }
    return linear;
  }

  private static int[] factors(NodeArguments node, int input) throws FileFormatException {
    double[] scales = StoredTensors.tensor(node.fixed(input)).toDoubleArray();
    int[] factors = new int[Math.max(0, scales.length - 2)];
    boolean fits = scales.length > 2 && scales[0] == 1 && scales[1] == 1;
    for (int i = 0; i < factors.length; i++) {
      factors[i] = (int) scales[i + 2];
      fits &= factors[i] >= 1 && factors[i] == scales[i + 2];
    }
    if (!fits) {
      throw node.problem(
          "input %s: expected 1, 1 and whole factors, got %s"
              .formatted(input, Arrays.toString(scales)));
    }
    return factors;
  }

  private static int[] factors(Tensor x, int... sizes) {
    int[] shape = x.shape();
    int[] factors = new int[Math.max(0, shape.length - 2)];
    boolean fits =
        shape.length > 2
            && sizes.length == shape.length
            && sizes[0] == shape[0]
            && sizes[1] == shape[1];
    for (int i = 0; fits && i < factors.length; i++) {
      factors[i] = shape[i + 2] == 0 ? 1 : sizes[i + 2] / shape[i + 2];
      fits = factors[i] >= 1 && factors[i] * shape[i + 2] == sizes[i + 2];
    }
    if (!fits) {
      throw new IllegalArgumentException(
          "sizes: expected whole multiples of %s, the first two axes as they are, got %s"
              .formatted(Arrays.toString(shape), Arrays.toString(sizes)));
    }
    return factors;
  }

  private static Tensor apply(Tensor x, boolean linear, int... factors) {
    return linear ? Functions.upsampleLinear(x, factors) : Functions.upsampleNearest(x, factors);
  }
}
