package io.github.jbatchnorm;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import io.github.jbatchnorm.autograd.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleDescriptor;
import java.net.URL;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** How much there is to know for users: the public types of the packages that are exported. */
class PublicTypesTest {
  private static final int MOST = 78;
  private static final URL LIBRARY =
      Tensor.class.getProtectionDomain().getCodeSource().getLocation();

  private static Set<String> exported() throws IOException {
    try (InputStream descriptor = new URL(LIBRARY, "module-info.class").openStream()) {
      return ModuleDescriptor.read(descriptor).exports().stream()
          .filter(exports -> !exports.isQualified())
          .map(ModuleDescriptor.Exports::source)
          .collect(Collectors.toSet());
    }
  }

  @Test
  void publicTypesStayFew() throws IOException {
    Set<String> exported = exported();
    List<String> types =
        new ClassFileImporter()
            .importUrl(LIBRARY).stream()
                .filter(type -> exported.contains(type.getPackageName()))
                .filter(JavaClass::isTopLevelClass)
                .filter(type -> type.getModifiers().contains(JavaModifier.PUBLIC))
                .map(JavaClass::getName)
                .sorted()
                .toList();
    assertThat(types).contains(Tensor.class.getName()).hasSizeLessThanOrEqualTo(MOST);
  }
}
