/**
 * Batch normalization for the JVM. What is not exported may change at any time: the operations on
 * arrays, the bindings.
 */
@SuppressWarnings("module") // the module that is named is built after this one
module io.github.jbatchnorm {
  requires com.fasterxml.jackson.core;
  requires jdk.management;
  requires org.bytedeco.javacpp;
  requires org.bytedeco.openblas;
  requires transitive org.jspecify;

  exports io.github.jbatchnorm.autograd;
  exports io.github.jbatchnorm.batchnorm;
  exports io.github.jbatchnorm.kernel;
  exports io.github.jbatchnorm.memory;
  exports io.github.jbatchnorm.nn;
  exports io.github.jbatchnorm.nn.data;
  exports io.github.jbatchnorm.nn.functional;
  exports io.github.jbatchnorm.nn.io;
  exports io.github.jbatchnorm.nn.models;
  exports io.github.jbatchnorm.platform to
      io.github.jbatchnorm.interop;
}
