package io.github.jbatchnorm.nn;

/** What a model is run for. */
public enum Mode {
  /** Training: batch norm uses the batch's statistics and updates the running ones. */
  TRAINING,
  /** Evaluation: batch norm uses the running statistics, and no state changes. */
  EVALUATION
}
