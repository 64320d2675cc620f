package io.github.jbatchnorm.interop.pytorch;

import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.nn.io.Stored;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * What a pickle says of one tensor: which elements of which storage it has.
 *
 * @param offset of the first element, in elements, as the strides are
 */
record TensorRecord(StorageRecord storage, long offset, List<Long> shape, List<Long> strides) {
  /** A storage: its elements' type, its name in the archive, and how many elements it has. */
  record StorageRecord(Stored.Type type, String key, long length) {}

  /** Returns the elements, row-major: a part of the storage where they lie so, else a copy. */
  Stored stored(Archive archive, String name) throws IOException {
    int width = storage.type.bytes();
    if (storage.length > Integer.MAX_VALUE / width) {
      throw archive.problem("%s: is of a storage past 2 GiB".formatted(name));
    }
    int[] axes = new int[shape.size()];
    long count = 1;
    long last = offset;
    if (offset < 0 || offset > storage.length) {
      throw problem(archive, name);
    }
    boolean together = true;
    for (int i = axes.length - 1; i >= 0; i--) {
      long size = shape.get(i);
      long stride = strides.get(i);
      if (size < 0 || size > Integer.MAX_VALUE || stride < 0 || stride > Integer.MAX_VALUE) {
        throw problem(archive, name);
      }
      axes[i] = (int) size;
      together &= size == 1 || stride == count;
      last += Math.max(0, size - 1) * stride;
      count = size == 0 ? 0 : count * size;
      if (count > Math.max(storage.length, 1) || last >= Math.max(storage.length, 1)) {
        throw problem(archive, name);
      }
    }
    if (count > 0 && storage.length == 0) {
      throw problem(archive, name);
    }
    ByteBuffer all = archive.storage(storage.key, storage.length * width);
    ByteBuffer bytes =
        count == 0
            ? ByteBuffer.allocate(0)
            : together
                ? all.slice((int) offset * width, (int) count * width)
                : gathered(all, (int) count, width, axes);
    return new Stored(storage.type, axes, bytes);
  }

  private FileFormatException problem(Archive archive, String name) {
    return archive.problem(
        "%s: shape %s with strides %s from %s on is not within a storage of %s elements"
            .formatted(name, shape, strides, offset, storage.length));
  }

  private ByteBuffer gathered(ByteBuffer all, int count, int width, int... axes) {
    ByteBuffer bytes = ByteBuffer.allocate(count * width).order(ByteOrder.LITTLE_ENDIAN);
    int[] at = new int[axes.length];
    long from = offset;
    for (int i = 0; i < count; i++) {
      bytes.put(i * width, all, (int) from * width, width);
      for (int axis = axes.length - 1; axis >= 0; axis--) {
        from += strides.get(axis);
        if (++at[axis] < axes[axis]) {
          break;
        }
        from -= strides.get(axis) * axes[axis];
        at[axis] = 0;
      }
    }
    return bytes;
  }
}
