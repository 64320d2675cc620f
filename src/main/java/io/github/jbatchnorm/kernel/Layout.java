package io.github.jbatchnorm.kernel;

/**
 * Where the channel axis lies in memory; an option of one operation, never a change of its bits.
 */
public enum Layout {
  /** Channels first, {@code (N, C, S...)}: the positions of one channel are contiguous. */
  NCHW(0),
  /** Channels last, {@code (N, S..., C)}: the channels of one position are contiguous. */
  NHWC(1);

  /** The C ABI's number. */
  final int code;

  Layout(int code) {
    this.code = code;
  }
}
