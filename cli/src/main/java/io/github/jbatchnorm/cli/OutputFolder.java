package io.github.jbatchnorm.cli;

import io.github.jbatchnorm.nn.io.Safetensors;
import io.github.jbatchnorm.platform.AtomicFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where the results go. Each file replaces an older one as a whole. */
final class OutputFolder {
  private final Path folder;

  private OutputFolder(Path folder) {
    this.folder = folder;
  }

  /** Makes the folder if need be, and finds out ahead of the work whether it can be written to. */
  static OutputFolder prepare(Path folder) throws UserException {
    try {
      Files.createDirectories(folder);
      Files.delete(Files.createTempFile(folder, ".probe", ".tmp"));
    } catch (IOException e) {
      throw new UserException("--out: cannot write to " + folder);
    }
    OutputFolder output = new OutputFolder(folder);
    for (Path file : new Path[] {output.chart(), output.model()}) {
      if (Files.isDirectory(file)) {
        throw new UserException("--out: %s is a folder".formatted(file));
      }
    }
    return output;
  }

  Path chart() {
    return folder.resolve("chart.png");
  }

  Path model() {
    return folder.resolve("model.safetensors");
  }

  void writeModel(Safetensors model) throws IOException {
    model.write(model());
  }

  void writeChart(byte[] png) throws IOException {
    AtomicFile.write(chart(), png);
  }
}
