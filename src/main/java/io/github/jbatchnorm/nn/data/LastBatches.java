package io.github.jbatchnorm.nn.data;

import java.util.Objects;

/** The batches of others from one on. */
record LastBatches(BatchSource all, int first) implements BatchSource {
  @Override
  public int count() {
    return all.count() - first;
  }

  @Override
  public int size(int index) {
    return all.size(first + Objects.checkIndex(index, count()));
  }

  @Override
  public Batch batch(int index) {
    return all.batch(first + Objects.checkIndex(index, count()));
  }
}
