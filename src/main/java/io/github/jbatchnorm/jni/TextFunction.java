package io.github.jbatchnorm.jni;

import io.github.jbatchnorm.jni.presets.JBatchNormPresets;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FunctionPointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Properties;

/**
 * A native function {@code const char* f(void)} at an address: libraries describe themselves so.
 */
@Properties(inherit = JBatchNormPresets.class)
public class TextFunction extends FunctionPointer {
  static {
    Loader.load();
  }

  /** Takes a place that holds the function's address. */
  public TextFunction(Pointer place) {
    super(place);
  }

  /** Calls the function. */
  public native @Cast("const char*") BytePointer call();
}
