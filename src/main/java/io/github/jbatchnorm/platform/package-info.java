/** What is below everything: settings, the native library and its instruction sets. */
@NullMarked
package io.github.jbatchnorm.platform;

import org.jspecify.annotations.NullMarked;
