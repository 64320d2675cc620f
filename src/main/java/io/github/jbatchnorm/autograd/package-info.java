/**
 * Tensors, operations and the tape: MyGrad's semantics in Java.
 *
 * <p>Tensors and the tape are confined to the thread that builds a graph; a finished tensor that no
 * one changes may be read by any thread.
 */
@NullMarked
package io.github.jbatchnorm.autograd;

import org.jspecify.annotations.NullMarked;
