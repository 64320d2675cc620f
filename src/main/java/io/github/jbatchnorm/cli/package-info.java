/** The command line: train, info. */
@NullMarked
package io.github.jbatchnorm.cli;

import org.jspecify.annotations.NullMarked;
