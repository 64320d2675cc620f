package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.kernel.Storage;

/**
 * The largest element of each square window, the first of equals, NaN before all. The gradient goes
 * to that element.
 */
final class MaxPool extends Operation {
  private final int window;
  private final int stride;
  private final int height;
  private final int width;
  private final int[] outShape;
  private final int[] picked;

  MaxPool(Tensor x, int window, int stride) {
    super(x);
    if (x.ndim() != 4) {
      throw new IllegalArgumentException(
          "x: expected shape (N, C, H, W), got " + Shapes.text(x.shape()));
    }
    this.window = window;
    this.stride = stride;
    this.height = x.dim(2);
    this.width = x.dim(3);
    if (window < 1 || window > height || window > width || stride < 1) {
      throw new IllegalArgumentException(
          "window: expected 1 to the size of x %s, and a stride of 1 or more, got %d and %d"
              .formatted(Shapes.text(x.shape()), window, stride));
    }
    this.outShape =
        new int[] {
          x.dim(0), x.dim(1), (height - window) / stride + 1, (width - window) / stride + 1
        };
    this.picked = new int[Shapes.size(outShape)];
  }

  @Override
  protected Tensor forward() {
    Tensor x = input(0);
    Storage result = Storage.allocate(x.dtype(), picked.length);
    int plane = outShape[2] * outShape[3];
    Parallel.run(
        outShape[0],
        sample -> {
          double[] from = new double[height * width];
          double[] to = new double[plane];
          for (int channel = 0; channel < outShape[1]; channel++) {
            int p = sample * outShape[1] + channel;
            x.storage().read(p * from.length, from, 0, from.length);
            pool(from, p * from.length, to, p * plane);
            result.write(p * plane, to, 0, plane);
          }
        });
    return Tensor.constant(result, outShape);
  }

  private void pool(double[] from, int fromStart, double[] to, int toStart) {
    int out = 0;
    for (int row = 0; row < outShape[2]; row++) {
      for (int column = 0; column < outShape[3]; column++) {
        int corner = row * stride * width + column * stride;
        int best = corner;
        for (int i = 0; i < window; i++) {
          for (int j = 0; j < window; j++) {
            int at = corner + i * width + j;
            best = from[at] <= from[best] || Double.isNaN(from[best]) ? best : at;
          }
        }
        picked[toStart + out] = fromStart + best;
        to[out++] = from[best];
      }
    }
  }

  @Override
  protected Tensor backward(int input, Tensor grad) {
    return new Scatter(grad, picked, input(0).shape()).apply();
  }
}
