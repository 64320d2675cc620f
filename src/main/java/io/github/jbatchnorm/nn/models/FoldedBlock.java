package io.github.jbatchnorm.nn.models;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.nn.Conv;
import io.github.jbatchnorm.nn.Layer;
import io.github.jbatchnorm.nn.Mode;
import java.util.LinkedHashMap;
import java.util.Map;

/** A {@link ResidualBlock} whose batch norms are folded: relu(conv2(relu(conv1(x))) + x). */
final class FoldedBlock implements Layer {
  private final Shortcut shortcut;
  private final Conv conv1;
  private final Conv conv2;

  FoldedBlock(Shortcut shortcut, Conv conv1, Conv conv2) {
    this.shortcut = shortcut;
    this.conv1 = conv1;
    this.conv2 = conv2;
  }

  @Override
  public Tensor forward(Tensor x, Mode mode) {
    Tensor y = conv1.forward(x, mode).relu();
    return conv2.forward(y, mode).add(shortcut.of(x)).relu();
  }

  @Override
  public Map<String, Layer> children() {
    Map<String, Layer> children = new LinkedHashMap<>();
    children.put("conv1", conv1);
    children.put("conv2", conv2);
    return children;
  }
}
