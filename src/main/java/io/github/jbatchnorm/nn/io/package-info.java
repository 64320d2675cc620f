/** Files of tensors. */
@NullMarked
package io.github.jbatchnorm.nn.io;

import org.jspecify.annotations.NullMarked;
