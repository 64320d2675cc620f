package io.github.jbatchnorm.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the system properties may say. */
class SettingsTest {
  @Test
  void choiceIsByName() {
    assertThat(Settings.parseKernel("java")).isEqualTo(Settings.Kernel.JAVA);
    assertThat(Settings.parseKernel("native")).isEqualTo(Settings.Kernel.NATIVE);
    assertThat(Settings.parseKernel("auto")).isEqualTo(Settings.Kernel.AUTO);
    assertThat(NativeLibrary.choose(Settings.Kernel.JAVA)).isFalse();
    assertThat(NativeLibrary.choose(Settings.Kernel.NATIVE)).isTrue();
    assertThat(NativeLibrary.choose(Settings.Kernel.AUTO)).isTrue();
    assertThatThrownBy(() -> Settings.parseKernel("gpu"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("jbatchnorm.kernel: expected native, java or auto, got gpu");
  }

  @ParameterizedTest
  @ValueSource(strings = {"-1", "two", "1025", "99999", ""})
  void badNumberOfThreadsIsRefused(String threads) {
    assertThatThrownBy(() -> Settings.parseThreads(threads))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("jbatchnorm.threads: expected 0 to 1024, got " + threads);
  }

  @Test
  void unknownInstructionSetIsRefused() {
    assertThatThrownBy(() -> Isa.parse("mmx"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("mmx");
  }

  @Test
  void limitsAreParsed() {
    assertThat(Settings.parseBytes("1000")).isEqualTo(1000);
    assertThat(Settings.parseBytes("64k")).isEqualTo(65536);
    assertThat(Settings.parseBytes("3M")).isEqualTo(3L << 20);
    assertThat(Settings.parseBytes("2g")).isEqualTo(2L << 30);
    for (String bad : new String[] {"", "-1", "2 g", "half", "1t", "64mb", "999999999999999g"}) {
      assertThatThrownBy(() -> Settings.parseBytes(bad))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("jbatchnorm.maxMemory: expected bytes");
    }
  }

  @Test
  void whatIsKnownAtOnceIsTheMachinesMemoryOrMore() {
    assertThat(MachineMemory.bound()).isGreaterThanOrEqualTo(MachineMemory.available());
    assertThat(MachineMemory.available()).isGreaterThan(Runtime.getRuntime().totalMemory());
  }
}
