/** Keras's files of weights. */
@NullMarked
package io.github.jbatchnorm.interop.keras;

import org.jspecify.annotations.NullMarked;
