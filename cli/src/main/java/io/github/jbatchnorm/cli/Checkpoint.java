package io.github.jbatchnorm.cli;

import io.github.jbatchnorm.memory.DType;
import io.github.jbatchnorm.nn.StateFile;
import io.github.jbatchnorm.nn.StateVisitor;
import io.github.jbatchnorm.nn.io.Safetensors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Both networks with their optimizers, to a file and back. The network with batch norm has its
 * tensors under PyTorch's names, as in conv1.weight; the other's begin with {@code without.}.
 */
final class Checkpoint {
  private static final String EPOCH = "epoch";
  private static final String OPTIMIZER = "optimizer";
  private static final String DTYPE = "dtype";
  private static final String ACCURACIES = "accuracies";

  private final Contestant with;
  private final Contestant without;
  private final OptimizerChoice optimizer;
  private final DType dtype;

  Checkpoint(Contestant with, Contestant without, OptimizerChoice optimizer, DType dtype) {
    this.with = with;
    this.without = without;
    this.optimizer = optimizer;
    this.dtype = dtype;
  }

  /** Returns the network with batch norm. */
  Contestant with() {
    return with;
  }

  /** Returns the network without. */
  Contestant without() {
    return without;
  }

  private void visit(StateVisitor visitor) {
    with.visit(visitor);
    without.visit(visitor.within("without."));
  }

  /** Returns the state after an epoch, with the accuracies of those so far. */
  Safetensors save(int epoch, List<EpochRow> rows) {
    return new Safetensors(
        StateFile.save(this::visit),
        Map.of(
            EPOCH,
            Integer.toString(epoch),
            OPTIMIZER,
            optimizer.name().toLowerCase(Locale.ROOT),
            DTYPE,
            DTypeOption.name(dtype),
            ACCURACIES,
            EpochRow.text(rows)));
  }

  /**
   * What was done so far.
   *
   * @param epochs how many were trained
   * @param rows their accuracies
   */
  record Done(int epochs, List<EpochRow> rows) {}

  /** Takes the state of a file. */
  Done load(Path file) throws IOException, UserException {
    Safetensors saved = Safetensors.read(file);
    String trainedWith = saved.metadata().get(OPTIMIZER);
    String epoch = saved.metadata().getOrDefault(EPOCH, "");
    if (trainedWith == null || !epoch.matches("\\d{1,9}")) {
      throw new UserException("--resume: %s was not written by train".formatted(file));
    }
    if (!trainedWith.equalsIgnoreCase(optimizer.name())) {
      throw new UserException(
          "--resume: %s was trained with --optimizer %s".formatted(file, trainedWith));
    }
    String computedWith = saved.metadata().getOrDefault(DTYPE, DTypeOption.name(DType.F32));
    if (!computedWith.equals(DTypeOption.name(dtype))) {
      throw new UserException(
          "--resume: %s was trained with --dtype %s".formatted(file, computedWith));
    }
    try {
      List<EpochRow> rows = EpochRow.parse(saved.metadata().getOrDefault(ACCURACIES, ""));
      StateFile.load(saved.tensors(), this::visit);
      return new Done(Integer.parseInt(epoch), rows);
    } catch (IllegalArgumentException e) {
      throw new UserException("--resume: %s: %s".formatted(file, e.getMessage()));
    }
  }
}
