package io.github.jbatchnorm;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import io.github.jbatchnorm.autograd.Tensor;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every public method and constructor above the kernel, with null for each of its parameters that
 * may not be null: the exception names the parameter as the source, and so the documentation, does.
 */
class NullArgumentsTest {
  private static final Path SOURCES =
      Path.of(System.getProperty("jbatchnorm.test.basedir"), "src", "main", "java");

  /** A parameter as it is written. */
  private record Parameter(String type, String name, boolean nullable) {}

  static Stream<Arguments> parameters() throws IOException {
    List<Arguments> all = new ArrayList<>();
    for (Class<?> type : publicTypes()) {
      String source = Files.readString(sourceOf(type));
      List<Executable> members = new ArrayList<>(List.of(type.getDeclaredConstructors()));
      members.addAll(List.of(type.getDeclaredMethods()));
      for (Executable member : members) {
        if (isCalledByUsers(type, member)) {
          add(all, member, written(source, type, member));
        }
      }
    }
    return all.stream();
  }

  private static List<Class<?>> publicTypes() {
    List<Class<?>> types = new ArrayList<>();
    for (JavaClass type :
        new ClassFileImporter()
            .importUrl(Tensor.class.getProtectionDomain().getCodeSource().getLocation())) {
      boolean above =
          type.getPackageName().contains(".autograd")
              || type.getPackageName().contains("jbatchnorm.batchnorm")
              || type.getPackageName().contains(".nn");
      if (above && Modifier.isPublic(type.reflect().getModifiers())) {
        types.add(type.reflect());
      }
    }
    return types;
  }

  private static Path sourceOf(Class<?> type) {
    Class<?> outer = type;
    while (outer.getEnclosingClass() != null) {
      outer = outer.getEnclosingClass();
    }
    return SOURCES.resolve(outer.getName().replace('.', '/') + ".java");
  }

  private static boolean isCalledByUsers(Class<?> type, Executable member) {
    boolean open = Modifier.isPublic(member.getModifiers()) && !member.isSynthetic();
    boolean abstractMethod = Modifier.isAbstract(member.getModifiers());
    boolean generated =
        member.getName().equals("equals") || (type.isEnum() && member.getName().equals("valueOf"));
    return open && !abstractMethod && !generated;
  }

  private static void add(List<Arguments> all, Executable member, List<Parameter> written) {
    for (int i = 0; i < written.size(); i++) {
      if (!written.get(i).nullable && !member.getParameterTypes()[i].isPrimitive()) {
        String name = member.getDeclaringClass().getSimpleName() + "." + member.getName();
        all.add(Arguments.of(name, written.get(i).name, member, i));
      }
    }
  }

  /** Returns a method's parameters from the source, by its name and its parameters' types. */
  private static List<Parameter> written(String source, Class<?> type, Executable member) {
    boolean isConstructor = member instanceof Constructor;
    String name = isConstructor ? type.getSimpleName() : member.getName();
    List<String> types =
        Arrays.stream(member.getParameterTypes()).map(NullArgumentsTest::simple).toList();
    if (types.isEmpty()) {
      return List.of();
    }
    Matcher matcher =
        Pattern.compile("(?m)^ +(?:[a-z]|[A-Z@<]).*?\\b" + name + "\\(\\s*([^()]*)\\)")
            .matcher(source);
    while (matcher.find()) {
      List<Parameter> found = parse(matcher.group(1));
      if (found.stream().map(Parameter::type).toList().equals(types)) {
        return found;
      }
    }
    matcher = Pattern.compile("record " + name + "\\(\\s*([^()]*)\\)").matcher(source);
    assertThat(matcher.find()).as("source of %s", member).isTrue();
    return parse(matcher.group(1));
  }

  private static String simple(Class<?> type) {
    return type.isArray() ? simple(type.getComponentType()) + "[]" : type.getSimpleName();
  }

  private static List<Parameter> parse(String written) {
    String plain = written.replaceAll("\\s+", " ").trim();
    while (plain.contains("<")) {
      plain = plain.replaceAll("<[^<>]*>", "");
    }
    return Arrays.stream(plain.split(", ?"))
        .filter(text -> text.contains(" "))
        .map(
            text -> {
              boolean nullable = text.contains("@Nullable");
              int end = text.lastIndexOf(' ');
              String type = text.substring(0, end).replace("...", "[]").replaceAll(".*[. ]", "");
              return new Parameter(type, option(text.substring(end + 1)), nullable);
            })
        .collect(Collectors.toList());
  }

  /** A method {@code options(newOptions)} sets what its users know as options. */
  private static String option(String name) {
    return name.matches("new[A-Z].*")
        ? Character.toLowerCase(name.charAt(3)) + name.substring(4)
        : name;
  }

  @ParameterizedTest(name = "{0}({1})")
  @MethodSource("parameters")
  void nullIsReportedByName(String method, String name, Executable member, int at)
      throws ReflectiveOperationException {
    Object[] arguments = new Object[member.getParameterCount()];
    for (int i = 0; i < arguments.length; i++) {
      arguments[i] = i == at ? null : Samples.of(member.getParameterTypes()[i]);
    }
    Throwable thrown = null;
    try {
      call(member, arguments);
    } catch (InvocationTargetException e) {
      thrown = e.getCause();
    }
    assertThat(thrown)
        .as("%s with null for %s", member, name)
        .isInstanceOfAny(NullPointerException.class, IllegalArgumentException.class);
    assertThat(thrown.getMessage())
        .matches("(?s)" + name + "\\b.*|.*because \"" + name + "\" is null");
  }

  private static void call(Executable member, Object... arguments)
      throws ReflectiveOperationException {
    if (member instanceof Constructor<?> constructor) {
      constructor.newInstance(arguments);
    } else {
      Object on =
          Modifier.isStatic(member.getModifiers()) ? null : Samples.of(member.getDeclaringClass());
      ((Method) member).invoke(on, arguments);
    }
  }
}
