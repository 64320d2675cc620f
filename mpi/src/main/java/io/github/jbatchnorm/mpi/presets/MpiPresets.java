package io.github.jbatchnorm.mpi.presets;

import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.tools.Info;
import org.bytedeco.javacpp.tools.InfoMap;
import org.bytedeco.javacpp.tools.InfoMapper;

/** Tells JavaCPP how to read the header. */
@Properties(
    value = @Platform(include = "jbatchnorm_mpi.h", link = "mpi", library = "jnijbatchnorm_mpi"),
    target = "io.github.jbatchnorm.mpi.binding",
    global = "io.github.jbatchnorm.mpi.binding.Mpi")
public class MpiPresets implements InfoMapper {
  /** Made by JavaCPP's parser. */
  public MpiPresets() {}

  @Override
  public void map(InfoMap infoMap) {
    infoMap.put(new Info("JBATCHNORM_MPI_H").skip());
    infoMap.put(new Info("jbm_all_gather").javaText(GATHER));
    infoMap.put(new Info("jbm_begin_all_to_all").javaText(TO_ALL));
    infoMap.put(new Info("jbm_begin_all_gather").javaText(BEGIN_GATHER));
    infoMap.put(
        new Info("jbm_call", "jbm_new_call", "jbm_begun", "jbm_terms", "jbm_parts", "jbm_sums")
            .skip());
    infoMap.put(new Info("jbm_error_text").javaText(TEXT));
  }

  private static final String GATHER =
      "public static native int jbm_all_gather(java.nio.ByteBuffer own, java.nio.ByteBuffer all,"
          + " int[] counts, int[] offsets);";

  private static final String TO_ALL =
      "public static native int jbm_begin_all_to_all(java.nio.ByteBuffer send, int[] sendCounts,"
          + " int[] sendOffsets, java.nio.ByteBuffer receive, int[] receiveCounts,"
          + " int[] receiveOffsets, @Cast(\"int64_t*\") long[] call);";

  private static final String BEGIN_GATHER =
      "public static native int jbm_begin_all_gather(int sums, java.nio.ByteBuffer own,"
          + " java.nio.ByteBuffer all, int[] counts, int[] offsets,"
          + " @Cast(\"int64_t*\") long[] call);";

  private static final String TEXT =
      "public static native int jbm_error_text(int code, @Cast(\"char*\") byte[] text);";
}
