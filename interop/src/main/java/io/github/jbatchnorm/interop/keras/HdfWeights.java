package io.github.jbatchnorm.interop.keras;

import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.nn.io.Stored;
import io.github.jbatchnorm.platform.Reading;
import io.jhdf.HdfFile;
import io.jhdf.api.Attribute;
import io.jhdf.api.Dataset;
import io.jhdf.api.Group;
import io.jhdf.api.Node;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The weights in an HDF5 file of Keras 2 or 3. */
final class HdfWeights {
  private static final int MOST_DEPTH = 32;
  private static final int MOST_NODES = 100_000;

  private final Path file;
  private final byte[] bytes;
  private final @Nullable ModelConfig config;
  private final Map<String, Stored> found = new LinkedHashMap<>();
  private int nodes;

  HdfWeights(Path file, byte[] bytes, @Nullable ModelConfig config) {
    this.file = file;
    this.bytes = bytes;
    this.config = config;
  }

  // What is broken in a file gets out of jHDF as any unchecked exception there is, or as none but
  // a stack that is full.
  Map<String, Stored> read() throws IOException {
    try (HdfFile hdf = HdfFile.fromBytes(bytes)) {
      read(hdf);
    } catch (RuntimeException | StackOverflowError e) {
      throw new FileFormatException(file, "is no HDF5 file, or broken: " + e);
    }
    if (found.isEmpty()) {
      throw problem("is no file of weights of Keras");
    }
    return found;
  }

  private FileFormatException problem(String problem) {
    return new FileFormatException(file, problem);
  }

  private void read(HdfFile hdf) throws IOException {
    if (child(hdf, "layers") instanceof Group layers) {
      readLayers(layers, "", 0);
      return;
    }
    Group weights = child(hdf, "model_weights") instanceof Group inner ? inner : hdf;
    if (weights.getAttribute("layer_names") == null) {
      throw problem("is no file of weights of Keras");
    }
    for (Node layer : children(weights)) {
      if (layer instanceof Group group) {
        readNamed(group.getName(), group, List.of(), 0);
      }
    }
  }

  private @Nullable Node child(Group group, String name) throws FileFormatException {
    for (Node node : children(group)) {
      if (node.getName().equals(name)) {
        return node;
      }
    }
    return null;
  }

  /** Returns what is in a group; nothing that is elsewhere, in other files least of all. */
  private List<Node> children(Group group) throws FileFormatException {
    List<Node> all = new ArrayList<>(group.getChildren().values());
    for (Node node : all) {
      if (node.isLink()) {
        throw problem("has a link, which is not followed: " + node.getPath());
      }
    }
    nodes += all.size();
    if (nodes > MOST_NODES) {
      throw problem("has more than %s groups and arrays".formatted(MOST_NODES));
    }
    return all;
  }

  private void checkDepth(int depth) throws FileFormatException {
    if (depth > MOST_DEPTH) {
      throw problem("has groups inside each other more than %s deep".formatted(MOST_DEPTH));
    }
  }

  /**
   * Before Keras 3: groups by layers, in them arrays by names that may have the model's in front.
   */
  private void readNamed(String layer, Group group, List<String> path, int depth)
      throws IOException {
    checkDepth(depth);
    for (Node node : children(group)) {
      List<String> inner = new ArrayList<>(path);
      inner.add(node.getName());
      if (node instanceof Group deeper) {
        readNamed(layer, deeper, inner, depth + 1);
      } else if (node instanceof Dataset array) {
        int at = inner.indexOf(layer);
        List<String> names = new ArrayList<>(at < 0 ? inner : inner.subList(at + 1, inner.size()));
        names.add(0, layer);
        String variable = names.remove(names.size() - 1).replaceFirst(":0$", "");
        add(String.join(".", names), variable, array);
      }
    }
  }

  /** From Keras 3 on: groups by layers' classes, in which the arrays have numbers. */
  private void readLayers(Group layers, String path, int depth) throws IOException {
    checkDepth(depth);
    for (Node node : children(layers)) {
      if (node instanceof Group layer) {
        Node vars = child(layer, "vars");
        String name = path + name(layer, vars);
        if (vars instanceof Group group) {
          addNumbered(layer.getName(), name, group);
        }
        if (child(layer, "layers") instanceof Group inner) {
          readLayers(inner, name + ".", depth + 1);
        }
      }
    }
  }

  private static String name(Group layer, @Nullable Node vars) {
    Attribute name = vars == null ? null : vars.getAttribute("name");
    return name != null && name.getData() instanceof String text ? text : layer.getName();
  }

  private void addNumbered(String kind, String path, Group vars) throws IOException {
    List<Node> arrays = children(vars);
    List<String> names = variables(kind, path, arrays.size());
    for (int i = 0; i < arrays.size(); i++) {
      if (!(child(vars, Integer.toString(i)) instanceof Dataset array)) {
        throw problem("%s: expected arrays 0 to %s".formatted(path, arrays.size() - 1));
      }
      add(path, i < names.size() ? names.get(i) : Integer.toString(i), array);
    }
  }

  /** Returns the names of a layer's arrays, by the class that its group is named after. */
  private List<String> variables(String kind, String path, int count) throws FileFormatException {
    if (kind.startsWith("batch_normalization")) {
      List<String> names = new ArrayList<>(scaleAndShift(path, count == 4, count == 2));
      names.add("moving_mean");
      names.add("moving_variance");
      return names;
    }
    if (kind.startsWith("layer_normalization") || kind.startsWith("group_normalization")) {
      return scaleAndShift(path, count == 2, count == 0);
    }
    if (kind.startsWith("embedding")) {
      return List.of("embeddings");
    }
    if (kind.startsWith("depthwise_conv")) {
      return List.of("depthwise_kernel", "bias");
    }
    return kind.startsWith("conv") || kind.startsWith("dense")
        ? List.of("kernel", "bias")
        : List.of();
  }

  private List<String> scaleAndShift(String path, boolean both, boolean none)
      throws FileFormatException {
    if (both || none) {
      return both ? List.of("gamma", "beta") : List.of();
    }
    if (config == null) {
      throw problem(
          "%s: has gamma or beta, and the file does not say which: save the model as .keras"
              .formatted(path));
    }
    return List.of(config.has(path, "scale") ? "gamma" : "beta");
  }

  private void add(String path, String variable, Dataset array) throws IOException {
    Stored stored = stored(path + "." + variable, array);
    switch (variable) {
      case "kernel" -> put(path + ".weight", Layouts.kernel(stored));
      case "depthwise_kernel" -> put(path + ".weight", Layouts.depthwise(stored));
      case "gamma", "embeddings" -> put(path + ".weight", stored);
      case "bias", "beta" -> put(path + ".bias", stored);
      case "moving_mean" -> put(path + ".running_mean", stored);
      case "moving_variance" -> {
        put(path + ".running_var", stored);
        put(path + ".num_batches_tracked", Stored.count(0));
      }
      default -> put(path + "." + variable, stored);
    }
  }

  private void put(String name, Stored stored) throws FileFormatException {
    if (found.put(name, stored) != null) {
      throw problem("has two arrays %s".formatted(name));
    }
  }

  private Stored stored(String name, Dataset array) throws IOException {
    int[] shape = array.getDimensions();
    long size = array.getSizeInBytes();
    boolean fits = size >= 0 && size <= Integer.MAX_VALUE - Long.BYTES;
    if (!fits || shape.length > Stored.MOST_AXES || size > Reading.mostInflated(bytes.length)) {
      throw problem("%s: is of %s bytes in a file of %s".formatted(name, size, bytes.length));
    }
    Object elements = array.isEmpty() ? new float[0] : array.getDataFlat();
    if (elements instanceof float[] floats) {
      ByteBuffer copy = allocate(floats.length * Float.BYTES);
      copy.asFloatBuffer().put(floats);
      return new Stored(Stored.Type.F32, shape, copy);
    }
    if (elements instanceof double[] doubles) {
      ByteBuffer copy = allocate(doubles.length * Double.BYTES);
      copy.asDoubleBuffer().put(doubles);
      return new Stored(Stored.Type.F64, shape, copy);
    }
    if (elements instanceof int[] integers) {
      ByteBuffer copy = allocate(integers.length * Integer.BYTES);
      copy.asIntBuffer().put(integers);
      return new Stored(Stored.Type.I32, shape, copy);
    }
    if (elements instanceof long[] integers) {
      ByteBuffer copy = allocate(integers.length * Long.BYTES);
      copy.asLongBuffer().put(integers);
      return new Stored(Stored.Type.I64, shape, copy);
    }
    throw problem(
        "%s: has elements of type %s of shape %s, which are not read"
            .formatted(name, array.getJavaType().getSimpleName(), Arrays.toString(shape)));
  }

  private static ByteBuffer allocate(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }
}
