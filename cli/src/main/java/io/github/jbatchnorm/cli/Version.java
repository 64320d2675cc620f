package io.github.jbatchnorm.cli;

import java.util.Optional;
import picocli.CommandLine.IVersionProvider;

/** The version of this program, as its jar tells it. */
final class Version implements IVersionProvider {
  static String text() {
    return Optional.ofNullable(Version.class.getPackage().getImplementationVersion())
        .orElse("(not run from its jar)");
  }

  @Override
  public String[] getVersion() {
    return new String[] {"jbatchnorm " + text()};
  }
}
