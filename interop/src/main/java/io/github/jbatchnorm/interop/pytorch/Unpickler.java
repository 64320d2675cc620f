package io.github.jbatchnorm.interop.pytorch;

import io.github.jbatchnorm.nn.io.FileFormatException;
import java.math.BigInteger;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads the few of pickle's instructions that files of tensors have, up to protocol 5. What they
 * make are texts, numbers, lists, dicts and descriptions of tensors; no class is looked up, nothing
 * is called.
 */
final class Unpickler {
  static final int MOST_DEPTH = 64;
  static final int MOST_OBJECTS = 10_000_000;
  private static final int MOST_INTEGER = 16;

  /** Python's None. */
  static final Object NONE = new Object();

  private final Archive archive;
  private final ByteBuffer in;
  private final Map<Integer, Object> memo = new HashMap<>();
  private final Deque<List<Object>> marks = new ArrayDeque<>();
  private List<Object> stack = new ArrayList<>();

  /**
   * Reads one pickle.
   *
   * @param in where it begins; after {@link #read}, where it ends
   */
  Unpickler(Archive archive, ByteBuffer in) {
    this.archive = archive;
    this.in = in.order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Returns what the pickle is of. */
  Object read() throws FileFormatException {
    try {
      for (int code = in.get() & 0xff; code != '.'; code = in.get() & 0xff) {
        step(code);
        if (stack.size() + memo.size() > MOST_OBJECTS) {
          throw problem("has more than %s objects".formatted(MOST_OBJECTS));
        }
      }
      return pop();
    } catch (BufferUnderflowException e) {
      throw problem("is cut short");
    }
  }

  private FileFormatException problem(String problem) {
    return archive.problem("the pickle %s".formatted(problem));
  }

  /** Returns what a message calls an object. */
  static String text(Object object) {
    if (object == NONE) {
      return "None";
    }
    if (object instanceof Map) {
      return "a dict";
    }
    if (object instanceof List) {
      return "a list";
    }
    if (object instanceof TensorRecord) {
      return "a tensor";
    }
    return object instanceof Number || object instanceof Boolean
        ? object.toString()
        : object instanceof String ? "a text" : "an object that is not read";
  }

  private void step(int code) throws FileFormatException {
    switch (code) {
      case 0x80 -> version(in.get() & 0xff);
      case 0x95 -> in.getLong(); // a frame's length
      case '(' -> {
        marks.push(stack);
        stack = new ArrayList<>();
      }
      case '0' -> pop();
      case '}' -> push(new LinkedHashMap<>());
      case ']' -> push(new ArrayList<>());
      case ')' -> push(List.of());
      case 't' -> push(Collections.unmodifiableList(marked()));
      case 0x85 -> push(tuple(1));
      case 0x86 -> push(tuple(2));
      case 0x87 -> push(tuple(3));
      case 'a' -> append(tuple(1));
      case 'e' -> append(marked());
      case 's' -> set(tuple(2));
      case 'u' -> set(marked());
      case 'c' -> push(PickledCalls.global(archive, line(), line()));
      case 0x93 -> {
        List<Object> names = tuple(2);
        push(PickledCalls.global(archive, names.get(0).toString(), names.get(1).toString()));
      }
      case 'R' -> {
        List<Object> call = tuple(2);
        push(PickledCalls.called(archive, call.get(0), call.get(1)));
      }
      case 'Q' -> push(PickledCalls.storage(archive, pop()));
      case 'b' -> build();
      default -> {
        if (!memory(code)) {
          push(value(code));
        }
      }
    }
  }

  private void version(int version) throws FileFormatException {
    if (version < 2 || version > 5) {
      throw problem("is of protocol %s: 2 to 5 are read".formatted(version));
    }
  }

  private boolean memory(int code) throws FileFormatException {
    switch (code) {
      case 'q' -> memo.put(in.get() & 0xff, peek());
      case 'r' -> memo.put(in.getInt(), peek());
      case 0x94 -> memo.put(memo.size(), peek());
      case 'h' -> push(remembered(in.get() & 0xff));
      case 'j' -> push(remembered(in.getInt()));
      default -> {
        return false;
      }
    }
    return true;
  }

  private Object remembered(int index) throws FileFormatException {
    Object known = memo.get(index);
    if (known == null) {
      throw problem("takes object %s before it is there".formatted(index));
    }
    return known;
  }

  private Object value(int code) throws FileFormatException {
    return switch (code) {
      case 'N' -> NONE;
      case 0x88 -> true;
      case 0x89 -> false;
      case 'J' -> (long) in.getInt();
      case 'K' -> (long) (in.get() & 0xff);
      case 'M' -> (long) (in.getShort() & 0xffff);
      case 0x8a -> integer(in.get() & 0xff);
      case 'G' -> Double.longBitsToDouble(Long.reverseBytes(in.getLong()));
      case 'X', 'T' -> text(in.getInt());
      case 0x8c, 'U' -> text(in.get() & 0xff);
      default -> throw problem("has the instruction 0x%02x, which is not read".formatted(code));
    };
  }

  private Object integer(int bytes) throws FileFormatException {
    if (bytes > MOST_INTEGER) {
      throw problem("has an integer of %s bytes".formatted(bytes));
    }
    if (bytes > Long.BYTES) {
      byte[] large = new byte[bytes];
      for (int i = bytes - 1; i >= 0; i--) {
        large[i] = in.get();
      }
      return new BigInteger(large);
    }
    long value = 0;
    for (int i = 0; i < bytes; i++) {
      long next = in.get();
      boolean top = i == bytes - 1;
      value |= (top ? next : next & 0xff) << (Byte.SIZE * i);
    }
    return value;
  }

  private String text(int length) throws FileFormatException {
    if (length < 0 || length > in.remaining()) {
      throw problem("has a text of %s bytes with %s left".formatted(length, in.remaining()));
    }
    ByteBuffer bytes = in.slice(in.position(), length);
    in.position(in.position() + length);
    return StandardCharsets.UTF_8.decode(bytes).toString();
  }

  private String line() {
    int begin = in.position();
    while (in.get() != '\n') {}
    return StandardCharsets.UTF_8.decode(in.slice(begin, in.position() - 1 - begin)).toString();
  }

  private void push(Object object) {
    stack.add(object);
  }

  private Object peek() throws FileFormatException {
    if (stack.isEmpty()) {
      throw problem("takes an object where there is none");
    }
    return stack.get(stack.size() - 1);
  }

  private Object pop() throws FileFormatException {
    Object last = peek();
    stack.remove(stack.size() - 1);
    return last;
  }

  private List<Object> marked() throws FileFormatException {
    if (marks.isEmpty()) {
      throw problem("goes back to a mark that is not there");
    }
    List<Object> since = stack;
    stack = marks.pop();
    return since;
  }

  private List<Object> tuple(int size) throws FileFormatException {
    if (stack.size() < size) {
      throw problem("takes an object where there is none");
    }
    List<Object> last = stack.subList(stack.size() - size, stack.size());
    List<Object> taken = List.copyOf(last);
    last.clear();
    return taken;
  }

  @SuppressWarnings("unchecked") // all lists that are changed are made here
  private void append(List<Object> values) throws FileFormatException {
    if (!(peek() instanceof ArrayList)) {
      throw problem("appends to what is no list");
    }
    ((List<Object>) peek()).addAll(values);
  }

  @SuppressWarnings("unchecked") // all dicts are made here
  private void set(List<Object> pairs) throws FileFormatException {
    if (!(peek() instanceof Map) || pairs.size() % 2 != 0) {
      throw problem("sets pairs in what is no dict");
    }
    Map<Object, Object> dict = (Map<Object, Object>) peek();
    for (int i = 0; i < pairs.size(); i += 2) {
      PickledCalls.put(archive, dict, pairs.get(i), pairs.get(i + 1));
    }
  }

  /**
   * What a dict has beside its elements, versions of layers, is of no use here; nor is what a
   * parameter had before PyTorch 0.4, flags and functions.
   */
  private void build() throws FileFormatException {
    boolean flags =
        pop() instanceof List<?> state && state.size() == 3 && state.get(0) instanceof Boolean;
    if (!(peek() instanceof Map || (flags && peek() instanceof TensorRecord))) {
      throw problem("sets the state of what is no dict");
    }
  }
}
