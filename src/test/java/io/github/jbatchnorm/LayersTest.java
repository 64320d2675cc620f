package io.github.jbatchnorm;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The house: calls go downwards only, and native bindings stay behind the kernel. */
@AnalyzeClasses(packages = "io.github.jbatchnorm", importOptions = DoNotIncludeTests.class)
class LayersTest {
  @ArchTest
  static final ArchRule callsGoDownwards =
      layeredArchitecture()
          .consideringOnlyDependenciesInLayers()
          .layer("cli")
          .definedBy("..cli..")
          .layer("nn")
          .definedBy("..nn..")
          .layer("autograd")
          .definedBy("..autograd..")
          .layer("kernel")
          .definedBy("..kernel")
          .layer("bindings")
          .definedBy("..kernel.jni..")
          .whereLayer("cli")
          .mayNotBeAccessedByAnyLayer()
          .whereLayer("nn")
          .mayOnlyBeAccessedByLayers("cli")
          .whereLayer("autograd")
          .mayOnlyBeAccessedByLayers("cli", "nn")
          .whereLayer("kernel")
          .mayOnlyBeAccessedByLayers("cli", "nn", "autograd")
          .whereLayer("bindings")
          .mayOnlyBeAccessedByLayers("kernel");

  @ArchTest
  static final ArchRule onlyTheCommandLineUsesItsLibraries =
      noClasses()
          .that()
          .resideOutsideOfPackage("..cli..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("picocli..", "me.tongfei..", "org.knowm..");

  @ArchTest
  static final ArchRule noPointersAboveTheKernel =
      noClasses()
          .that()
          .resideInAnyPackage("..nn..", "..cli..")
          .should()
          .dependOnClassesThat()
          .haveFullyQualifiedName("org.bytedeco.javacpp.Pointer");
}
