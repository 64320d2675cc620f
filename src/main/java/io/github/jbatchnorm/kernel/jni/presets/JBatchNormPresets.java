package io.github.jbatchnorm.kernel.jni.presets;

import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.tools.Info;
import org.bytedeco.javacpp.tools.InfoMap;
import org.bytedeco.javacpp.tools.InfoMapper;

/**
 * Tells JavaCPP how to read the C ABI: {@code native/include/jbatchnorm/jbatchnorm.h}. Memory is
 * passed as raw addresses, the cheapest way through JNI.
 */
@Properties(
    value =
        @Platform(
            include = "jbatchnorm/jbatchnorm.h",
            link = "jbatchnorm_kernel@.0",
            preload = "gomp@.1",
            library = "jnijbatchnorm"),
    target = "io.github.jbatchnorm.kernel.jni",
    global = "io.github.jbatchnorm.kernel.jni.Abi")
public class JBatchNormPresets implements InfoMapper {
  /** Made by JavaCPP's parser. */
  public JBatchNormPresets() {}

  @Override
  public void map(InfoMap infoMap) {
    infoMap.put(new Info("JBN_API", "JBN_EXEC").cppTypes().annotations());
    infoMap.put(new Info("JBATCHNORM_JBATCHNORM_H").skip());
    infoMap.put(new Info("JBN_VERSION").skip());
    infoMap.put(new Info("jbn_forward").javaText(FORWARD));
    infoMap.put(new Info("jbn_infer").javaText(INFER));
    infoMap.put(new Info("jbn_backward").javaText(BACKWARD));
    infoMap.put(new Info("jbn_copy").javaText(COPY));
  }

  private static final String SHAPE =
      "int dtype, int layout, @Cast(\"int64_t\") long n, @Cast(\"int64_t\") long c,"
          + " @Cast(\"int64_t\") long s, ";

  private static final String FORWARD =
      "public static native int jbn_forward("
          + SHAPE
          + "@Cast(\"const void*\") long x, @Cast(\"const void*\") long gamma,"
          + " @Cast(\"const void*\") long beta, double eps, @Cast(\"void*\") long y,"
          + " @Cast(\"void*\") long mean, @Cast(\"void*\") long var,"
          + " @Cast(\"double*\") long saved, int exec);";

  private static final String INFER =
      "public static native int jbn_infer("
          + SHAPE
          + "@Cast(\"const void*\") long x, @Cast(\"const void*\") long gamma,"
          + " @Cast(\"const void*\") long beta, @Cast(\"const void*\") long mean,"
          + " @Cast(\"const void*\") long var, double eps, @Cast(\"void*\") long y, int exec);";

  private static final String BACKWARD =
      "public static native int jbn_backward("
          + SHAPE
          + "@Cast(\"const void*\") long x, @Cast(\"const void*\") long dy,"
          + " @Cast(\"const void*\") long gamma, @Cast(\"const double*\") long saved, double eps,"
          + " @Cast(\"void*\") long dx, @Cast(\"void*\") long dgamma,"
          + " @Cast(\"void*\") long dbeta, int exec);";

  private static final String COPY =
      "public static native int jbn_copy(@Cast(\"const void*\") long from,"
          + " @Cast(\"void*\") long to, @Cast(\"int64_t\") long bytes, int pastCaches, int exec);";
}
