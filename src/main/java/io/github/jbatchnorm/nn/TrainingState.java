package io.github.jbatchnorm.nn;

import io.github.jbatchnorm.nn.data.BatchSource;
import io.github.jbatchnorm.nn.io.Safetensors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * All that training goes on from, in one file: the model, the optimizer and whatever else has
 * state, by names of their own; the seed, the epoch and the batch, from which the order of the data
 * follows. Training that goes on from a file, in the middle of an epoch too, has the same bits as
 * training that never stopped.
 *
 * <pre>{@code
 * TrainingState state = new TrainingState(seed)
 *     .with("model", model::visit)
 *     .with("optimizer", optimizer::visit);
 * if (Files.exists(file)) {
 *   state.load(file);
 * }
 * for (; state.epoch() <= epochs; state.epochDone()) {
 *   BatchSource all = BatchSource.shuffled(x, labels, 32, state.seed(), state.epoch());
 *   try (DataLoader loader = new DataLoader(state.rest(all), 2)) {
 *     while (loader.hasNext()) {
 *       optimizer.learningRate(schedule.rate(state.step()));
 *       MemoryScope.run(() -> train(loader.next()));
 *       state.batchDone();
 *       if (state.step() % 100 == 0) {
 *         state.save(file);
 *       }
 *     }
 *   }
 * }
 * }</pre>
 *
 * <p>A {@link Schedule} is a function of the step and has no state; {@link ReduceOnPlateau}, {@link
 * EarlyStopping} and {@link LossScale} have. Used by one thread at a time.
 */
public final class TrainingState {
  private static final String SEED = "seed";
  private static final String PROGRESS = "progress";

  private final long seed;
  private final Map<String, Consumer<StateVisitor>> parts = new LinkedHashMap<>();
  private final AtomicLong epochs = new AtomicLong();
  private final AtomicLong batches = new AtomicLong();
  private final AtomicLong steps = new AtomicLong();

  /**
   * Makes the state before the first batch of the first epoch.
   *
   * @param seed of the order of the data
   */
  public TrainingState(long seed) {
    this.seed = seed;
    parts.put(PROGRESS, this::visitProgress);
  }

  private void visitProgress(StateVisitor visitor) {
    visitor.count("epochs", epochs);
    visitor.count("batches", batches);
    visitor.count("steps", steps);
  }

  /**
   * Adds a part.
   *
   * @param name what the names of its tensors begin with, before a dot
   * @param part what shows a visitor all of it, as {@code model::visit}
   * @return this, for the next part
   * @throws IllegalArgumentException if the name is taken
   */
  public TrainingState with(String name, Consumer<StateVisitor> part) {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(part, "part");
    if (parts.putIfAbsent(name, part) != null) {
      throw new IllegalArgumentException("name: %s is taken".formatted(name));
    }
    return this;
  }

  /** {@return the seed of the order of the data} */
  public long seed() {
    return seed;
  }

  /** {@return the epoch that goes on or begins, from 1} */
  public int epoch() {
    return (int) epochs.get() + 1;
  }

  /** {@return how many batches of this epoch are done} */
  public int batch() {
    return (int) batches.get();
  }

  /** {@return how many batches are done, of all epochs: the step of a {@link Schedule}} */
  public long step() {
    return steps.get();
  }

  /** Notes that a batch is done. */
  public void batchDone() {
    batches.incrementAndGet();
    steps.incrementAndGet();
  }

  /** Notes that an epoch is done: the next one begins with its first batch. */
  public void epochDone() {
    epochs.incrementAndGet();
    batches.set(0);
  }

  /**
   * {@return the batches of this epoch that are not done}
   *
   * @param all the epoch's batches
   * @throws IllegalArgumentException if more are done than there are
   */
  public BatchSource rest(BatchSource all) {
    Objects.requireNonNull(all, "all");
    if (batch() > all.count()) {
      throw new IllegalArgumentException(
          "all: expected %s batches or more, which are done, got %s"
              .formatted(batch(), all.count()));
    }
    return all.from(batch());
  }

  /**
   * Shows all parts to a visitor.
   *
   * @param visitor who is shown them
   */
  public void visit(StateVisitor visitor) {
    Objects.requireNonNull(visitor, "visitor");
    parts.forEach((name, part) -> part.accept(visitor.within(name + ".")));
  }

  /**
   * Writes all of it to a file, which replaces an older one at once or not at all.
   *
   * @param file the file, of the safetensors format
   * @throws IOException if it cannot be written
   */
  public void save(Path file) throws IOException {
    Objects.requireNonNull(file, "file");
    new Safetensors(StateFile.save(this::visit), Map.of(SEED, Long.toString(seed))).write(file);
  }

  /**
   * Takes all of it from a file; nothing at all if something does not fit.
   *
   * @param file what {@link #save} wrote, of the same parts and seed
   * @throws IOException if it cannot be read, or is broken
   * @throws IllegalArgumentException if the seed is another, or as {@link StateFile#load}
   */
  public void load(Path file) throws IOException {
    Objects.requireNonNull(file, "file");
    Safetensors saved = Safetensors.read(file);
    String found = saved.metadata().getOrDefault(SEED, "none");
    if (!found.equals(Long.toString(seed))) {
      throw new IllegalArgumentException(
          "file: expected seed %s, from which the order of the data follows, got %s in %s"
              .formatted(seed, found, file));
    }
    StateFile.load(saved.tensors(), this::visit);
  }
}
