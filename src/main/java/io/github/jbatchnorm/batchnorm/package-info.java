/** Batch normalization as an operation of the tape: its builder, gradients and moments. */
@NullMarked
package io.github.jbatchnorm.batchnorm;

import org.jspecify.annotations.NullMarked;
