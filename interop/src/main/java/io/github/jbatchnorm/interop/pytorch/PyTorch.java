package io.github.jbatchnorm.interop.pytorch;

import io.github.jbatchnorm.nn.io.FileFormatException;
import io.github.jbatchnorm.nn.io.Stored;
import io.github.jbatchnorm.platform.Reading;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/**
 * State dicts that {@code torch.save} has written (.pt, .pth), in the format of PyTorch 1.6 and
 * later, zip archives, or the one from before. Nothing in a file is run: the pickle in it is read
 * for dicts, lists, numbers, texts and tensors, and what asks for anything else is refused by its
 * name.
 */
public final class PyTorch {
  private static final int MOST_TENSORS = 200_000;

  private PyTorch() {}

  /**
   * Reads a dict of tensors. Of dicts inside each other names are joined by dots.
   *
   * @param file what {@code torch.save(model.state_dict(), file)} has written
   * @return the tensors by name, in the file's order; those of one storage share memory where their
   *     elements lie together
   * @throws FileFormatException if it is broken, of another format, or has something else than
   *     tensors; the message then names keys that {@link #read(Path, String)} takes
   * @throws IOException if it cannot be read
   */
  public static Map<String, Stored> read(Path file) throws IOException {
    Objects.requireNonNull(file, "file");
    return read(file, List.of());
  }

  /**
   * Reads a dict of tensors in a checkpoint's dict.
   *
   * @param file what {@code torch.save({"model": model.state_dict(), ...}, file)} has written
   * @param key of the dict; of one deeper inside, keys joined by dots
   * @return the tensors by name
   * @throws FileFormatException as {@link #read(Path)}, or if there is no such dict
   * @throws IOException if it cannot be read
   */
  public static Map<String, Stored> read(Path file, String key) throws IOException {
    Objects.requireNonNull(file, "file");
    Objects.requireNonNull(key, "key");
    return read(file, List.of(key.split("\\.", -1)));
  }

  private static Map<String, Stored> read(Path file, List<String> keys) throws IOException {
    if (Files.isDirectory(file)) {
      throw new FileFormatException(file, "is a folder");
    }
    return Reading.of(
        file,
        () -> {
          if (beginsWithPickle(file)) {
            try (FileChannel channel = FileChannel.open(file)) {
              return read(new LegacyFile(file, channel), keys);
            }
          }
          try (ZipFile zip = new ZipFile(file.toFile())) {
            return read(new ZipArchive(file, zip), keys);
          } catch (ZipException e) {
            throw new FileFormatException(file, "is no zip archive: " + e.getMessage());
          } catch (EOFException e) {
            throw new FileFormatException(file, "is a zip archive that is cut short");
          }
        });
  }

  private static Map<String, Stored> read(Archive archive, List<String> keys) throws IOException {
    Object root = archive.root();
    return tensors(archive, inside(archive, root, keys));
  }

  private static boolean beginsWithPickle(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return in.read() == 0x80;
    }
  }

  private static Map<?, ?> inside(Archive archive, Object root, List<String> keys)
      throws FileFormatException {
    Object at = root;
    String path = "";
    for (String key : keys) {
      path = path.isEmpty() ? key : path + "." + key;
      at = at instanceof Map<?, ?> dict ? dict.get(key) : null;
      if (!(at instanceof Map)) {
        throw archive.problem(
            "has no dict %s; it has %s".formatted(path, dictsIn(root, "", new ArrayList<>(), 0)));
      }
    }
    if (at instanceof Map<?, ?> dict) {
      return dict;
    }
    throw archive.problem("expected a dict of tensors, got " + Unpickler.text(at));
  }

  /** Returns the keys of dicts that have tensors, a few levels deep. */
  private static List<String> dictsIn(Object at, String path, List<String> found, int depth) {
    if (at instanceof Map<?, ?> dict && depth < 4) {
      if (dict.values().stream().anyMatch(TensorRecord.class::isInstance)) {
        found.add(path.isEmpty() ? "tensors at the top" : path);
      }
      dict.forEach(
          (key, value) -> {
            if (found.size() < 20) {
              dictsIn(
                  value, path.isEmpty() ? String.valueOf(key) : path + "." + key, found, depth + 1);
            }
          });
    }
    return found;
  }

  private static Map<String, Stored> tensors(Archive archive, Map<?, ?> dict) throws IOException {
    Map<String, TensorRecord> records = new LinkedHashMap<>();
    flatten(archive, dict, "", records, 0);
    Map<String, Stored> tensors = new LinkedHashMap<>();
    for (Map.Entry<String, TensorRecord> entry : records.entrySet()) {
      tensors.put(entry.getKey(), entry.getValue().stored(archive, entry.getKey()));
    }
    return tensors;
  }

  private static void flatten(
      Archive archive, Map<?, ?> dict, String prefix, Map<String, TensorRecord> found, int depth)
      throws IOException {
    if (depth > Unpickler.MOST_DEPTH) {
      throw archive.problem("has dicts inside each other more than %s deep".formatted(depth - 1));
    }
    for (Map.Entry<?, ?> entry : dict.entrySet()) {
      String name = prefix + entry.getKey();
      if (entry.getValue() instanceof TensorRecord tensor) {
        found.put(name, tensor);
      } else if (entry.getValue() instanceof Map<?, ?> inner) {
        flatten(archive, inner, name + ".", found, depth + 1);
      } else {
        throw archive.problem(
            "%s: expected a tensor, got %s; dicts of tensors here: %s"
                .formatted(
                    name,
                    Unpickler.text(entry.getValue()),
                    dictsIn(dict, "", new ArrayList<>(), 0)));
      }
      if (found.size() > MOST_TENSORS) {
        throw archive.problem("has more than %s tensors".formatted(MOST_TENSORS));
      }
    }
  }
}
