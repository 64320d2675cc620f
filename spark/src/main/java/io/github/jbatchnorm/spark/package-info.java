/** Exact population statistics, recalibration and scoring of data in a Spark cluster. */
@NullMarked
package io.github.jbatchnorm.spark;

import org.jspecify.annotations.NullMarked;
