package io.github.jbatchnorm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.jni.Abi;
import io.github.jbatchnorm.kernel.Kernels;
import io.github.jbatchnorm.platform.NativeLibrary;
import io.github.jbatchnorm.platform.NativeLibraryException;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import org.bytedeco.javacpp.Loader;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Natives in a jar that is missing, broken, of another machine or version, or unpacked wrongly. */
@Tag("starts-java")
class UnpackedNativesTest {
  private static final String KERNEL = "libjbatchnorm_kernel.so.0";

  /** Where a library says which machine it is for. */
  private static final int MACHINE = 18;

  @TempDir private Path folder;
  private Path classes;
  private Path cache;

  /** Prints which kernel computes, that it does, and, asked for products, that OpenBLAS does. */
  static final class Program {
    private Program() {}

    public static void main(String[] args) {
      Tensor x = Tensor.of(new float[] {1, 2, 3, 4}, 2, 2);
      System.out.println("kernel=" + Kernels.current().name() + " sum=" + x.sum().item());
      if (args.length > 0) {
        System.out.println("product=" + Arrays.toString(x.matmul(x).toDoubleArray()));
      }
    }
  }

  private static Path allClasses() throws IOException {
    try {
      return Path.of(Abi.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (java.net.URISyntaxException e) {
      throw new IOException(e);
    }
  }

  private static Path natives() throws IOException {
    return allClasses().resolve("io/github/jbatchnorm/jni").resolve(Loader.getPlatform());
  }

  /** The classes without natives, in a jar of a version. */
  private Path classes(String version) throws IOException {
    Path jar = folder.resolve("classes-" + version + ".jar");
    Manifest manifest = new Manifest();
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    manifest.getMainAttributes().put(Attributes.Name.IMPLEMENTATION_VERSION, version);
    Path all = allClasses();
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar), manifest)) {
      out.setLevel(0);
      Files.walkFileTree(
          all,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
              if (file.toString().endsWith(".class")) {
                put(out, all.relativize(file).toString(), Files.readAllBytes(file));
              }
              return FileVisitResult.CONTINUE;
            }
          });
    }
    return jar;
  }

  private static void put(JarOutputStream out, String name, byte[] bytes) throws IOException {
    out.putNextEntry(new ZipEntry(name));
    out.write(bytes);
    out.closeEntry();
  }

  /** The natives in a jar, the kernel changed. */
  private Path natives(UnaryOperator<byte[]> change) throws IOException {
    Path jar = folder.resolve("natives.jar");
    String place = "io/github/jbatchnorm/jni/" + Loader.getPlatform() + "/";
    try (OutputStream file = Files.newOutputStream(jar);
        JarOutputStream out = new JarOutputStream(file);
        Stream<Path> all = Files.list(natives())) {
      out.putNextEntry(new ZipEntry(place));
      for (Path library : all.toList()) {
        String name = library.getFileName().toString();
        byte[] bytes = Files.readAllBytes(library);
        put(out, place + name, name.equals(KERNEL) ? change.apply(bytes) : bytes);
      }
    }
    return jar;
  }

  @BeforeEach
  void makeClasses() throws IOException {
    classes = classes(NativeLibrary.version());
    cache = folder.resolve("cache");
  }

  private String run(Path... jars) throws IOException, InterruptedException {
    return run("auto", jars);
  }

  private String run(String kernel, Path... jars) throws IOException, InterruptedException {
    return ChildJvm.run(command(kernel, jars));
  }

  private List<String> command(String kernel, Path... jars) {
    String rest =
        Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> !Path.of(entry).toAbsolutePath().equals(ownClasses()))
            .collect(Collectors.joining(File.pathSeparator));
    String first =
        Stream.of(jars).map(Path::toString).collect(Collectors.joining(File.pathSeparator));
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-XX:TieredStopAtLevel=1",
        "-Djbatchnorm.kernel=" + kernel,
        "-Dorg.bytedeco.javacpp.cachedir=" + cache,
        "-cp",
        first + File.pathSeparator + rest,
        Program.class.getName());
  }

  private static Path ownClasses() {
    try {
      return allClasses();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private void checkRefused(String why, Path... jars) throws IOException, InterruptedException {
    assertThat(run(jars))
        .contains(why)
        .contains("kernel=java sum=10.0")
        .endsWith("status=0")
        .containsOnlyOnce("Running on the pure-Java kernel");
  }

  @Test
  void missing() throws IOException, InterruptedException {
    checkRefused("Could not find jnijbatchnorm", classes);
    assertThat(run("native", classes))
        .contains(NativeLibraryException.class.getName())
        .contains("Could not find jnijbatchnorm")
        .endsWith("status=1");
  }

  @Test
  void cutShort() throws IOException, InterruptedException {
    checkRefused("is cut short", classes, natives(bytes -> Arrays.copyOf(bytes, 100_000)));
  }

  @Test
  void ofAnotherMachine() throws IOException, InterruptedException {
    checkRefused(
        KERNEL,
        classes,
        natives(
            bytes -> {
              ByteBuffer.wrap(bytes).put(MACHINE, (byte) 243); // RISC-V
              return bytes;
            }));
  }

  @Test
  void ofAnotherVersion() throws IOException, InterruptedException {
    checkRefused("expected 9.9.9", classes("9.9.9"), natives(bytes -> bytes));
  }

  private Path unpacked(String name) throws IOException {
    try (Stream<Path> files = Files.walk(cache)) {
      return files.filter(file -> file.endsWith(name)).findFirst().orElseThrow();
    }
  }

  /** Changes a library as JavaCPP does not see: the same size and time. Returns what it was. */
  private static byte[] change(Path library) throws IOException {
    FileTime time = Files.getLastModifiedTime(library);
    byte[] bytes = Files.readAllBytes(library);
    byte[] other = bytes.clone();
    Arrays.fill(other, other.length / 4, other.length / 2, (byte) 0xcc);
    Files.write(library, other);
    Files.setLastModifiedTime(library, time);
    return bytes;
  }

  @Test
  void changedAfterwards() throws IOException, InterruptedException {
    Path jar = natives(bytes -> bytes);
    assertThat(run("native", classes, jar)).contains("kernel=native").endsWith("status=0");
    Path library = unpacked(KERNEL);
    byte[] bytes = change(library);
    assertThat(run("native", classes, jar)).contains("kernel=native").endsWith("status=0");
    assertThat(Files.readAllBytes(library)).isEqualTo(bytes);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"libopenblas_nolapack.so.0", "libjniopenblas_nolapack.so", "libjnijavacpp.so"})
  void ofDependenciesChangedAfterwards(String name) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(command("native", classes, natives(bytes -> bytes)));
    command.add("product");
    assertThat(ChildJvm.run(command)).contains("product=[7.0, 10.0, 15.0, 22.0]");
    Path library = unpacked(name);
    byte[] bytes = change(library);
    assertThat(ChildJvm.run(command))
        .contains("product=[7.0, 10.0, 15.0, 22.0]")
        .endsWith("status=0");
    assertThat(Files.readAllBytes(library)).isEqualTo(bytes);
  }

  @Test
  void whereOthersMayWrite() throws IOException, InterruptedException {
    Path jar = natives(bytes -> bytes);
    Files.createDirectory(cache);
    Files.setPosixFilePermissions(cache, PosixFilePermissions.fromString("rwxrwxrwx"));
    assertThat(run("native", classes, jar)).contains("kernel=native").endsWith("status=0");
    for (Path path = unpacked(KERNEL); path.startsWith(cache); path = path.getParent()) {
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
          .matches("r..[r-]-.[r-]-.");
    }
  }

  @Test
  void thatBelongToSomeoneElse() throws IOException, InterruptedException {
    assumeThat(System.getProperty("user.name")).as("giving files away").isEqualTo("root");
    Files.createDirectory(cache);
    Files.setOwner(
        cache,
        cache.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("nobody"));
    checkRefused("belongs to nobody", classes, natives(bytes -> bytes));
  }
}
