package io.github.jbatchnorm.nn.data;

import java.util.Objects;

/** The first batches of others. */
record FirstBatches(BatchSource all, int count) implements BatchSource {
  @Override
  public int size(int index) {
    return all.size(Objects.checkIndex(index, count));
  }

  @Override
  public Batch batch(int index) {
    return all.batch(Objects.checkIndex(index, count));
  }
}
