package io.github.jbatchnorm.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Scopes without recording, each of one thread. */
class NoAutodiffTest {
  @Test
  void anotherThreadCannotEndAScope() {
    NoAutodiff scope = NoAutodiff.scope();
    CompletableFuture<Boolean> other =
        CompletableFuture.supplyAsync(
            () -> {
              assertThatThrownBy(scope::close)
                  .isInstanceOf(IllegalStateException.class)
                  .hasMessageStartingWith("close: expected the thread that opened");
              return NoAutodiff.isRecording();
            });
    assertThat(other.join()).isTrue();
    assertThat(NoAutodiff.isRecording()).isFalse();
    scope.close();
    scope.close();
    assertThat(NoAutodiff.isRecording()).isTrue();
  }
}
