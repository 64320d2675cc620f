package io.github.jbatchnorm.platform;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.UserPrincipal;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.jar.JarEntry;
import java.util.zip.CRC32;
import org.bytedeco.javacpp.ClassProperties;
import org.bytedeco.javacpp.Loader;
import org.jspecify.annotations.Nullable;

/**
 * The files that JavaCPP unpacks from jars, and loads from then on. Before it does they are held to
 * the jar's checksums, in folders that belong to this user and that no one else may write: who may
 * write there could as well change the jar, so that checksums are against accidents.
 */
final class UnpackedNatives {
  private static final int CHUNK = 1 << 16;
  private static final int ELF = 0x464c457f;
  private static final int ELF_HEADER = 64;
  private static final Set<PosixFilePermission> OF_OTHERS =
      EnumSet.of(PosixFilePermission.GROUP_WRITE, PosixFilePermission.OTHERS_WRITE);

  /** Whose owner, on Linux, is the user that this process runs as. */
  private static final Path PROCESS = Path.of("/proc/self");

  private final Path cache;

  /** Folders that were found to be this user's, or made so. */
  private final Set<Path> owned = new HashSet<>();

  private @Nullable UserPrincipal process;
  private @Nullable UserPrincipal writer;

  private UnpackedNatives(Path cache) {
    this.cache = cache;
  }

  /**
   * Unpacks the libraries that JavaCPP will load for a class, where these are in a jar, and checks
   * them.
   *
   * @throws UnsatisfiedLinkError if a file differs from the jar's however often it is unpacked, or
   *     a folder belongs to someone else
   */
  static void check(Class<?> bindings) {
    ClassProperties properties = Loader.loadProperties(bindings, Loader.loadProperties(), true);
    List<String> libraries = new ArrayList<>(properties.get("platform.preload"));
    libraries.addAll(properties.get("platform.link"));
    libraries.addAll(properties.get("platform.library"));
    try {
      UnpackedNatives natives = new UnpackedNatives(Loader.getCacheDir().toPath());
      for (String library : libraries) {
        for (URL found : Loader.findLibrary(bindings, properties, library, false)) {
          if (found.openConnection() instanceof JarURLConnection jar) {
            natives.check(found, jar.getJarEntry());
          }
        }
      }
    } catch (IOException e) {
      throw (UnsatisfiedLinkError) new UnsatisfiedLinkError(e.toString()).initCause(e);
    }
  }

  private void check(URL packed, JarEntry entry) throws IOException {
    if (owned.add(cache)) {
      own(cache); // before anything is unpacked there
    }
    Path file = unpacked(packed);
    if (!isSame(file, entry)) {
      Files.deleteIfExists(file);
      file = unpacked(packed);
      if (!isSame(file, entry)) {
        throw new UnsatisfiedLinkError("%s is not what %s has".formatted(file, packed));
      }
    }
    if (!isWhole(file)) {
      throw new UnsatisfiedLinkError("%s is cut short".formatted(packed));
    }
  }

  /**
   * Whether a library ends where it says: an ELF file's last part is the table of its sections. The
   * system maps what is cut short, and ends the process.
   */
  private static boolean isWhole(Path library) throws IOException {
    try (InputStream in = new FileInputStream(library.toFile())) {
      ByteBuffer header = ByteBuffer.wrap(in.readNBytes(ELF_HEADER)).order(ByteOrder.LITTLE_ENDIAN);
      if (header.limit() < ELF_HEADER || header.getInt(0) != ELF) {
        return header.limit() > 0; // of another kind, for which this does not know
      }
      long sections = Short.toUnsignedLong(header.getShort(60));
      long size = Short.toUnsignedLong(header.getShort(58));
      return header.getLong(40) + size * sections <= Files.size(library);
    }
  }

  private static Path unpacked(URL packed) throws IOException {
    File file = Loader.cacheResource(packed);
    if (file == null) {
      throw new IOException(packed + " cannot be unpacked");
    }
    return file.toPath();
  }

  private boolean isSame(Path file, JarEntry entry) throws IOException {
    for (Path folder = file.getParent();
        folder != null && folder.startsWith(cache);
        folder = folder.getParent()) {
      if (owned.add(folder)) {
        own(folder);
      }
    }
    if (Files.isSymbolicLink(file)) {
      return false;
    }
    own(file);
    return Files.size(file) == entry.getSize() && checksum(file) == entry.getCrc();
  }

  /** Returns what the jar has of each file: its CRC-32, which takes a JVM that starts no time. */
  private static long checksum(Path file) throws IOException {
    CRC32 checksum = new CRC32();
    try (InputStream in = new FileInputStream(file.toFile())) {
      byte[] part = new byte[CHUNK];
      for (int length = in.read(part); length >= 0; length = in.read(part)) {
        checksum.update(part, 0, length);
      }
    }
    return checksum.getValue();
  }

  /**
   * Whether what someone owns is this user's: of the process, or, where a file system says
   * otherwise, of what this process writes there, which takes longer to find out.
   */
  private boolean isOwn(UserPrincipal owner) throws IOException {
    if (process == null && Files.exists(PROCESS)) {
      process = Files.getOwner(PROCESS);
    }
    if (owner.equals(process)) {
      return true;
    }
    if (writer == null) {
      Path own = Files.createTempFile(cache, ".jbatchnorm", ".tmp");
      try {
        writer = Files.getOwner(own);
      } finally {
        Files.delete(own);
      }
    }
    return owner.equals(writer);
  }

  /**
   * Makes a file or folder of this user's one that others cannot write; root's may be as it is.
   *
   * @throws UnsatisfiedLinkError if it is someone else's, or root's and others can write it
   */
  private void own(Path path) throws IOException {
    PosixFileAttributeView view =
        Files.getFileAttributeView(path, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
    if (view == null) {
      return; // no such rights on this system
    }
    PosixFileAttributes attributes = view.readAttributes();
    boolean isWritable = !Collections.disjoint(attributes.permissions(), OF_OTHERS);
    if (isOwn(attributes.owner())) {
      if (isWritable) {
        Set<PosixFilePermission> permissions = EnumSet.copyOf(attributes.permissions());
        permissions.removeAll(OF_OTHERS);
        view.setPermissions(permissions);
      }
    } else if (isWritable || !attributes.owner().getName().equals("root")) {
      throw new UnsatisfiedLinkError(
          "%s, where native code is unpacked, belongs to %s: choose another folder with"
                  .formatted(path, attributes.owner().getName())
              + " -Dorg.bytedeco.javacpp.cachedir");
    }
  }
}
