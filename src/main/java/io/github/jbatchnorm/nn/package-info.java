/** What a model is made of: layers, optimizers; data and files in the packages below. */
@NullMarked
package io.github.jbatchnorm.nn;

import org.jspecify.annotations.NullMarked;
