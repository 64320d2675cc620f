package io.github.jbatchnorm.interop.onnx;

import io.github.jbatchnorm.nn.io.FileFormatException;
import org.jspecify.annotations.Nullable;

/** How one of ONNX's operators is read. */
@FunctionalInterface
interface ImportOperator {
  /** Returns what a node computes from the inputs that were taken; null for nothing at all. */
  OnnxNetwork.@Nullable Function read(NodeArguments node) throws FileFormatException;
}
