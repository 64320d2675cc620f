/** Weights of other libraries' files, loaded into models by name. */
@NullMarked
package io.github.jbatchnorm.interop;

import org.jspecify.annotations.NullMarked;
