package io.github.jbatchnorm.jni.presets;

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
            include = {"jbatchnorm/jbatchnorm.h", "abi/arrays.h"},
            // Names of files: for a version, as in gomp@.1, JavaCPP opens all jars of the class
            // path to look for other spellings.
            link = ":libjbatchnorm_kernel.so.0",
            preload = {"jbatchnorm_waiting", ":libgomp.so.1"},
            library = "jnijbatchnorm"),
    target = "io.github.jbatchnorm.jni",
    global = "io.github.jbatchnorm.jni.Abi")
public class JBatchNormPresets implements InfoMapper {
  /** Made by JavaCPP's parser. */
  public JBatchNormPresets() {}

  @Override
  public void map(InfoMap infoMap) {
    infoMap.put(new Info("JBN_API", "JBN_EXEC").cppTypes().annotations());
    infoMap.put(new Info("JBATCHNORM_JBATCHNORM_H", "JBATCHNORM_ARRAYS_H").skip());
    infoMap.put(new Info("jbn_describe_forward", "jbn_describe_backward").skip());
    for (String call : new String[] {"forward", "backward", "second"}) {
      infoMap.put(new Info("jbn_" + call + "_args").pointerTypes("Pointer").javaText(""));
      infoMap.put(new Info("jbn_" + call).javaText(run(call)));
    }
    infoMap.put(new Info("jbn_share_args").pointerTypes("Pointer").javaText(""));
    for (String call : new String[] {"sizes", "share", "join"}) {
      infoMap.put(new Info("jbn_forward_" + call).javaText(share("forward", call)));
      infoMap.put(new Info("jbn_backward_" + call).javaText(share("backward", call)));
    }
    infoMap.put(new Info("jbn_copy").javaText(COPY));
    infoMap.put(new Info("jbn_array").javaText(ARRAY));
  }

  /** A call whose only argument is the address of its struct. */
  private static String run(String call) {
    return "public static native int jbn_CALL(@Cast(\"const jbn_CALL_args*\") long args);"
        .replace("CALL", call);
  }

  /** A call on its struct and a jbn_share_args. */
  private static String share(String of, String call) {
    return ("public static native int jbn_OF_CALL(@Cast(\"const jbn_OF_args*\") long args,"
            + " @Cast(\"const jbn_share_args*\") long share);")
        .replace("OF", of)
        .replace("CALL", call);
  }

  private static final String ARRAY =
      "public static native int jbn_array(int call, @Cast(\"const int64_t*\") long args,"
          + " int exec);";

  private static final String COPY =
      "public static native int jbn_copy(@Cast(\"const void*\") long from,"
          + " @Cast(\"void*\") long to, @Cast(\"int64_t\") long bytes, int pastCaches, int exec);";
}
