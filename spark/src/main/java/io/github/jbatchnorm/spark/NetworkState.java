package io.github.jbatchnorm.spark;

import io.github.jbatchnorm.nn.Layer;
import io.github.jbatchnorm.nn.StateFile;
import io.github.jbatchnorm.nn.io.Stored;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;

/** A network's parameters and statistics in arrays, which any of Spark's serializers takes. */
final class NetworkState implements Serializable {
  private static final long serialVersionUID = 1;

  private final String[] names;
  private final Stored.Type[] types;
  private final int[][] shapes;
  private final byte[][] elements;

  NetworkState(Map<String, Stored> tensors) {
    int count = tensors.size();
    names = tensors.keySet().toArray(String[]::new);
    types = new Stored.Type[count];
    shapes = new int[count][];
    elements = new byte[count][];
    for (int i = 0; i < count; i++) {
      Stored stored = tensors.get(names[i]);
      ByteBuffer bytes = stored.bytes();
      types[i] = stored.type();
      shapes[i] = stored.shape();
      elements[i] = new byte[bytes.remaining()];
      bytes.get(elements[i]);
    }
  }

  /** Returns a network's state. */
  static NetworkState of(Layer network) {
    return new NetworkState(StateFile.save(network::visit));
  }

  Map<String, Stored> tensors() {
    Map<String, Stored> tensors = new LinkedHashMap<>();
    for (int i = 0; i < names.length; i++) {
      tensors.put(names[i], new Stored(types[i], shapes[i], ByteBuffer.wrap(elements[i])));
    }
    return tensors;
  }
}
