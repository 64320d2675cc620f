package io.github.jbatchnorm.interop.pytorch;

import io.github.jbatchnorm.interop.pytorch.TensorRecord.StorageRecord;
import io.github.jbatchnorm.nn.io.FileFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;

/** A file of PyTorch: a pickle, and the bytes of the storages that it names. */
interface Archive {
  /** Returns what the pickle is of. */
  Object root() throws IOException;

  /** Returns a storage's bytes, little-endian, read once. */
  ByteBuffer storage(String key, long size) throws IOException;

  /** Is told of each storage that the pickle names. */
  default void named(StorageRecord storage) throws FileFormatException {}

  FileFormatException problem(String problem);
}
