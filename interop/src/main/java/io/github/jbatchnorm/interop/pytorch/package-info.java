/** PyTorch's files of tensors. */
@NullMarked
package io.github.jbatchnorm.interop.pytorch;

import org.jspecify.annotations.NullMarked;
