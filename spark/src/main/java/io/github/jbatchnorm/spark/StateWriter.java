package io.github.jbatchnorm.spark;

import io.github.jbatchnorm.nn.io.Safetensors;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.Map;
import org.apache.hadoop.fs.Path;
import org.apache.spark.ml.util.MLWriter;
import org.jspecify.annotations.Nullable;

/** Saves a stage's parameters as Spark does, and its network's state beside them. */
final class StateWriter extends MLWriter {
  static final String FILE = "model.safetensors";

  private final MLWriter params;
  private final @Nullable NetworkState state;

  StateWriter(MLWriter params, @Nullable NetworkState state) {
    this.params = params;
    this.state = state;
  }

  @Override
  public void saveImpl(String path) {
    try {
      params.session(sparkSession()).save(path);
      if (state != null) {
        java.nio.file.Path local = Files.createTempFile("jbatchnorm", ".safetensors");
        try {
          new Safetensors(state.tensors(), Map.of()).write(local);
          Path file = new Path(path, FILE);
          file.getFileSystem(sc().hadoopConfiguration())
              .copyFromLocalFile(false, true, new Path(local.toUri()), file);
        } finally {
          Files.delete(local);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
