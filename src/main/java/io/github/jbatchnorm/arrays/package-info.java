/** Operations on arrays behind one interface: native and pure Java, the same bits. */
@NullMarked
package io.github.jbatchnorm.arrays;

import org.jspecify.annotations.NullMarked;
