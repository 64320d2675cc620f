/** Images to train on: IDX and CIFAR files, images that the program draws itself, batches. */
@NullMarked
package io.github.jbatchnorm.nn.data;

import org.jspecify.annotations.NullMarked;
