/** What JavaCPP needs to know to generate the bindings. */
package io.github.jbatchnorm.jni.presets;
