/** Off-heap memory: storages of elements, the pool they come from, scopes and the limit. */
@NullMarked
package io.github.jbatchnorm.memory;

import org.jspecify.annotations.NullMarked;
