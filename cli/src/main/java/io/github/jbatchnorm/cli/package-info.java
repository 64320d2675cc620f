/** The command line: train, resnet, bench, memory, info. */
@NullMarked
package io.github.jbatchnorm.cli;

import org.jspecify.annotations.NullMarked;
