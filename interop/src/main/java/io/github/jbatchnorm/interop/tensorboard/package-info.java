/** TensorBoard's event files. */
@NullMarked
package io.github.jbatchnorm.interop.tensorboard;

import org.jspecify.annotations.NullMarked;
