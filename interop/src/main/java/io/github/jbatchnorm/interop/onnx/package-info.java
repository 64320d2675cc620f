/** Models as ONNX files, and back. */
@NullMarked
package io.github.jbatchnorm.interop.onnx;

import org.jspecify.annotations.NullMarked;
