package io.github.jbatchnorm;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The house: each floor knows those below it alone, and nothing goes round in circles. */
@AnalyzeClasses(packages = "io.github.jbatchnorm", importOptions = LayersTest.NotTests.class)
class LayersTest {
  /** Wherever the build's folder is, which ArchUnit's own option takes to be target. */
  static final class NotTests implements ImportOption {
    @Override
    public boolean includes(Location location) {
      return !location.contains("/test-classes/");
    }
  }

  @ArchTest
  static final ArchRule callsGoDownwards =
      layeredArchitecture()
          .consideringOnlyDependenciesInLayers()
          .layer("nn")
          .definedBy(
              "io.github.jbatchnorm.nn",
              "io.github.jbatchnorm.nn.data..",
              "io.github.jbatchnorm.nn.io..",
              "io.github.jbatchnorm.nn.models..")
          .layer("functional")
          .definedBy("io.github.jbatchnorm.nn.functional..")
          .layer("batchnorm")
          .definedBy("io.github.jbatchnorm.batchnorm..")
          .layer("autograd")
          .definedBy("io.github.jbatchnorm.autograd..")
          .layer("kernel")
          .definedBy("io.github.jbatchnorm.kernel..")
          .layer("arrays")
          .definedBy("io.github.jbatchnorm.arrays..")
          .layer("memory")
          .definedBy("io.github.jbatchnorm.memory..")
          .layer("platform")
          .definedBy("io.github.jbatchnorm.platform..")
          .layer("jni")
          .definedBy("io.github.jbatchnorm.jni..")
          .whereLayer("nn")
          .mayNotBeAccessedByAnyLayer()
          .whereLayer("functional")
          .mayOnlyBeAccessedByLayers("nn")
          .whereLayer("batchnorm")
          .mayOnlyBeAccessedByLayers("nn", "functional")
          .whereLayer("autograd")
          .mayOnlyBeAccessedByLayers("nn", "functional", "batchnorm")
          .whereLayer("kernel")
          .mayOnlyBeAccessedByLayers("nn", "functional", "batchnorm")
          .whereLayer("arrays")
          .mayOnlyBeAccessedByLayers("nn", "functional", "batchnorm", "autograd")
          .whereLayer("memory")
          .mayOnlyBeAccessedByLayers(
              "nn", "functional", "batchnorm", "autograd", "kernel", "arrays")
          .whereLayer("platform")
          .mayOnlyBeAccessedByLayers("nn", "kernel", "arrays", "memory")
          .whereLayer("jni")
          .mayOnlyBeAccessedByLayers("kernel", "arrays", "memory", "platform");

  @ArchTest
  static final ArchRule noPackagesGoRoundInCircles =
      slices().matching("io.github.jbatchnorm.(**)").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule noPointersAboveTheKernels =
      noClasses()
          .that()
          .resideInAnyPackage("..nn..", "..autograd..", "io.github.jbatchnorm.batchnorm..")
          .should()
          .dependOnClassesThat()
          .haveFullyQualifiedName("org.bytedeco.javacpp.Pointer");
}
