/** Models that are known by name. */
@NullMarked
package io.github.jbatchnorm.nn.models;

import org.jspecify.annotations.NullMarked;
