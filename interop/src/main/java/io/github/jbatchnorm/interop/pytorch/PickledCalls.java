package io.github.jbatchnorm.interop.pytorch;

import io.github.jbatchnorm.interop.pytorch.TensorRecord.StorageRecord;
import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.nn.io.Stored;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The functions and classes that a file of tensors names, and what becomes of their calls. */
final class PickledCalls {
  /** What may be called; nothing of it runs any code of a file's. */
  private enum Callee {
    ORDERED_DICT,
    TENSOR,
    PARAMETER,
    SIZE
  }

  private static final Map<String, Callee> CALLEES =
      Map.of(
          "collections.OrderedDict", Callee.ORDERED_DICT,
          "torch._utils._rebuild_tensor", Callee.TENSOR,
          "torch._utils._rebuild_tensor_v2", Callee.TENSOR,
          "torch._utils._rebuild_parameter", Callee.PARAMETER,
          "torch.nn.parameter.Parameter", Callee.PARAMETER, // before 0.4
          "torch.autograd.variable.Variable", Callee.PARAMETER,
          "torch.Size", Callee.SIZE);

  private static final Map<String, Stored.Type> STORAGES =
      Map.of(
          "torch.FloatStorage", Stored.Type.F32,
          "torch.DoubleStorage", Stored.Type.F64,
          "torch.HalfStorage", Stored.Type.F16,
          "torch.BFloat16Storage", Stored.Type.BF16,
          "torch.LongStorage", Stored.Type.I64,
          "torch.IntStorage", Stored.Type.I32,
          "torch.ShortStorage", Stored.Type.I16,
          "torch.CharStorage", Stored.Type.I8,
          "torch.ByteStorage", Stored.Type.U8,
          "torch.BoolStorage", Stored.Type.BOOL);

  private PickledCalls() {}

  /** Returns what stands for a function or a class. */
  static Object global(Archive archive, String module, String name) throws FileFormatException {
    String whole = module + "." + name;
    Callee callee = CALLEES.get(whole);
    Stored.Type type = STORAGES.get(whole);
    if (callee == null && type == null) {
      throw archive.problem(
          "asks for %s: only dicts of tensors are read, and nothing is run".formatted(whole));
    }
    return callee != null ? callee : type;
  }

  static Object called(Archive archive, Object callee, Object arguments)
      throws FileFormatException {
    if (!(callee instanceof Callee known) || !(arguments instanceof List<?> given)) {
      throw archive.problem("the pickle calls " + Unpickler.text(callee));
    }
    return switch (known) {
      case ORDERED_DICT -> orderedDict(archive, given);
      case TENSOR -> tensor(archive, given);
      case PARAMETER -> {
        if (given.isEmpty() || !(given.get(0) instanceof TensorRecord tensor)) {
          throw archive.problem("has a parameter that is no tensor");
        }
        yield tensor;
      }
      case SIZE -> {
        if (given.size() != 1 || !(given.get(0) instanceof List<?> sizes)) {
          throw archive.problem("has a size that is no list");
        }
        yield sizes;
      }
    };
  }

  private static Object orderedDict(Archive archive, List<?> given) throws FileFormatException {
    Map<Object, Object> dict = new LinkedHashMap<>();
    if (given.isEmpty()) {
      return dict;
    }
    if (!(given.get(0) instanceof List<?> pairs)) {
      throw archive.problem("has a dict of what are no pairs");
    }
    for (Object pair : pairs) {
      if (!(pair instanceof List<?> both) || both.size() != 2) {
        throw archive.problem("has a dict of what are no pairs");
      }
      put(archive, dict, both.get(0), both.get(1));
    }
    return dict;
  }

  /** Keys are texts and numbers, as all others may have themselves inside. */
  static void put(Archive archive, Map<Object, Object> dict, Object key, Object value)
      throws FileFormatException {
    boolean plain = key instanceof String || key instanceof Number || key instanceof Boolean;
    if (!plain) {
      throw archive.problem("has a dict with a key that is no text and no number");
    }
    dict.put(key, value);
  }

  /** Storage, offset, shape, strides; then what only training needs. */
  private static Object tensor(Archive archive, List<?> given) throws FileFormatException {
    if (given.size() < 4
        || !(given.get(0) instanceof StorageRecord storage)
        || !(given.get(1) instanceof Long offset)) {
      throw archive.problem("has a tensor without storage, offset, shape and strides");
    }
    List<Long> shape = integers(archive, given.get(2));
    List<Long> strides = integers(archive, given.get(3));
    if (shape.size() != strides.size() || shape.size() > Stored.MOST_AXES) {
      throw archive.problem(
          "has a tensor of %s axes with %s strides".formatted(shape.size(), strides.size()));
    }
    return new TensorRecord(storage, offset, shape, strides);
  }

  private static List<Long> integers(Archive archive, Object given) throws FileFormatException {
    List<Long> integers = new ArrayList<>();
    if (given instanceof List<?> all) {
      for (Object each : all) {
        if (each instanceof Long number) {
          integers.add(number);
        }
      }
      if (integers.size() == all.size()) {
        return integers;
      }
    }
    throw archive.problem("has a tensor whose shape and strides are no integers");
  }

  /** "storage", its class, its name, where it was, its length; before 1.6 None, for all of it. */
  static Object storage(Archive archive, Object id) throws FileFormatException {
    if (id instanceof List<?> parts
        && (parts.size() == 5 || (parts.size() == 6 && parts.get(5) == Unpickler.NONE))
        && "storage".equals(parts.get(0))
        && parts.get(1) instanceof Stored.Type type
        && parts.get(2) instanceof String key
        && parts.get(4) instanceof Long length
        && length >= 0) {
      StorageRecord storage = new StorageRecord(type, key, length);
      archive.named(storage);
      return storage;
    }
    throw archive.problem("has a storage of another kind than PyTorch's files have");
  }
}
