/** Images to train on: IDX files, digits that the program draws itself, batches. */
@NullMarked
package io.github.jbatchnorm.nn.data;

import org.jspecify.annotations.NullMarked;
