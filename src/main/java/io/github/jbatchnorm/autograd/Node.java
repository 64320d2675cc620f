package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.arrays.Shapes;
import io.github.jbatchnorm.memory.Storage;
import org.jspecify.annotations.Nullable;

/**
 * What a tensor is at a time: its data, and how they were computed. An operation in place gives the
 * tensor another one; the operations that took it before keep the one that they took.
 */
final class Node {
  /** Counts the changes of data that a tensor shares with its views. */
  private static final class Version {
    int count;
    int updates; // those of them that are not an operation's
  }

  private final Version version;
  final Storage storage;
  final int[] shape;
  boolean constant;
  boolean frozen;
  @Nullable Operation creator;
  @Nullable Tensor grad;

  /** The tensors that share this memory, where there were more than one. */
  @Nullable Views views;

  /** Where this begins in the memory of {@link #views}. */
  int from;

  private Node(Storage storage, Version version, boolean constant, int... shape) {
    this.storage = storage;
    this.version = version;
    this.constant = constant;
    this.shape = shape.clone();
    int size = Shapes.size(this.shape);
    if (size != storage.length()) {
      throw new IllegalArgumentException(
          "shape: %s has %s elements, the data has %s"
              .formatted(Shapes.text(this.shape), size, storage.length()));
    }
  }

  static Node of(Storage storage, boolean constant, int... shape) {
    return new Node(storage, new Version(), constant, shape);
  }

  /** Returns one of a part of the data, or of all, whose changes count as this one's. */
  Node sharing(Storage part, boolean asConstant, int... newShape) {
    Node node = new Node(part, version, asConstant, newShape);
    node.frozen = frozen;
    return node;
  }

  boolean sharesMemoryWith(Node other) {
    return version == other.version;
  }

  /** Returns how many times the data were changed in place. */
  int version() {
    return version.count;
  }

  /** Returns how many times {@link Tensor#update} changed them. */
  int updates() {
    return version.updates;
  }

  void changed() {
    version.count++;
  }

  void updated() {
    version.updates++;
    version.count++;
  }
}
