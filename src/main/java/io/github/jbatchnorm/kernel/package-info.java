/** The batch-normalization kernel behind one interface: native and pure Java, the same bits. */
@NullMarked
package io.github.jbatchnorm.kernel;

import org.jspecify.annotations.NullMarked;
