package io.github.jbatchnorm.site;

import java.util.List;

/** The pages that every page has a link to. */
final class Menu {
  /**
   * A link.
   *
   * @param label what is read
   * @param source the document, or api for the Javadoc
   */
  record Entry(String label, String source) {
    boolean isJavadoc() {
      return source.equals("api");
    }
  }

  static final List<Entry> ENTRIES =
      List.of(
          new Entry("Start", "README.md"),
          new Entry("What there is", "docs/features.md"),
          new Entry("Tensors and training", "docs/autograd.md"),
          new Entry("Examples", "examples"),
          new Entry("Command line", "docs/command-line.md"),
          new Entry("Figures", "docs/performance.md"),
          new Entry("Numerics", "docs/numerics.md"),
          new Entry("Reliability", "docs/reliability.md"),
          new Entry("Past one machine", "docs/machines.md"),
          new Entry("Coming from MyGrad", "docs/mygrad.md"),
          new Entry("Others' files", "docs/interop.md"),
          new Entry("API (Javadoc)", "api"),
          new Entry("Decisions", "docs/decisions"),
          new Entry("Changes", "CHANGELOG.md"),
          new Entry("Contributing", "CONTRIBUTING.md"),
          new Entry("The code", "HACKING.md"));

  private Menu() {}
}
