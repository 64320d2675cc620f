package io.github.jbatchnorm.spark;

import io.github.jbatchnorm.nn.io.Safetensors;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.function.BiFunction;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.ml.param.Params;
import org.apache.spark.ml.util.DefaultParamsReader;
import org.apache.spark.ml.util.MLReader;

/** Loads what {@link StateWriter} saved. */
final class StateReader<T extends Params> extends MLReader<T> {
  private final BiFunction<T, NetworkState, T> withState;

  StateReader(BiFunction<T, NetworkState, T> withState) {
    this.withState = withState;
  }

  @Override
  public T load(String path) {
    T stage = new DefaultParamsReader<T>().session(sparkSession()).load(path);
    try {
      Path file = new Path(path, StateWriter.FILE);
      FileSystem files = file.getFileSystem(sc().hadoopConfiguration());
      if (!files.exists(file)) {
        return stage;
      }
      java.nio.file.Path folder = Files.createTempDirectory("jbatchnorm");
      java.nio.file.Path local = folder.resolve(StateWriter.FILE);
      try {
        files.copyToLocalFile(false, file, new Path(local.toUri()), true);
        return withState.apply(stage, new NetworkState(Safetensors.read(local).tensors()));
      } finally {
        Files.deleteIfExists(local);
        Files.delete(folder);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
