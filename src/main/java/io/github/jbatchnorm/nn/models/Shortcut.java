package io.github.jbatchnorm.nn.models;

import io.github.jbatchnorm.autograd.Index;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.autograd.Tensors;

/**
 * How x goes around a block: subsampled, and with zeros for the channels that it has not got.
 *
 * @param added how many channels are zeros
 * @param stride of the samples
 */
record Shortcut(int added, int stride) {
  Tensor of(Tensor x) {
    Tensor small =
        stride == 1 ? x : x.slice(Index.all(), Index.all(), Index.step(stride), Index.step(stride));
    if (added == 0) {
      return small;
    }
    int[] shape = small.shape();
    shape[1] = added;
    return Tensors.concatenate(1, small, Tensors.zeros(x.dtype(), shape).asConstant());
  }
}
