/** The functions of neural networks that are not methods of a tensor. */
@NullMarked
package io.github.jbatchnorm.nn.functional;

import org.jspecify.annotations.NullMarked;
