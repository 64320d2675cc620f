package io.github.jbatchnorm.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.jbatchnorm.autograd.Gradients;
import io.github.jbatchnorm.autograd.Operation;
import io.github.jbatchnorm.autograd.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** An operation that a user writes, as CONTRIBUTING.md shows it. */
class UserOperationTest {
  // CONTRIBUTING.md has the lines from here on
  /** x^3, with gradients of any order. */
  static final class Cube extends Operation {
    Cube(Tensor x) {
      super(x);
    }

    @Override
    protected Tensor forward() {
      return input(0).pow(3);
    }

    @Override
    protected Tensor backward(int input, Tensor grad) {
      return grad.multiply(input(0).square()).multiply(3);
    }
  }

  // to here

  @Test
  void itHasGradientsOfAnyOrder() {
    Tensor x = Tensor.of(new double[] {-1, 2, 3}, 3);
    Tensor y = new Cube(x).apply();
    assertThat(y.toDoubleArray()).containsExactly(-1, 8, 27);
    Tensor first = Gradients.of(y.sum(), x).get(0);
    assertThat(first.toDoubleArray()).containsExactly(3, 12, 27);
    assertThat(Gradients.of(first.sum(), x).get(0).toDoubleArray()).containsExactly(-6, 12, 18);
    new Cube(x).apply().sum().backward();
    assertThat(x.grad()).isNotNull();
    assertThat(x.grad().toDoubleArray()).containsExactly(3, 12, 27);
  }

  @Test
  void contributingShowsIt() throws IOException {
    Path root = Path.of(System.getProperty("jbatchnorm.test.basedir", "."));
    String source =
        Files.readString(
            root.resolve("src/test/java/io/github/jbatchnorm/nn/UserOperationTest.java"));
    String shown =
        source.substring(
            source.indexOf("from here on\n") + "from here on\n".length(),
            source.indexOf("// to here"));
    String contributing = Files.readString(root.resolve("CONTRIBUTING.md"));
    assertThat(contributing).containsIgnoringWhitespaces(shown);
  }

  private static final class AllAtOnce extends Operation {
    private final @Nullable Tensor[] gradients;

    AllAtOnce(Tensor x, Tensor y, @Nullable Tensor... gradients) {
      super(x, y);
      this.gradients = gradients;
    }

    @Override
    protected Tensor forward() {
      return input(0).add(input(1));
    }

    @Override
    protected @Nullable Tensor[] backward(Tensor grad) {
      return gradients;
    }
  }

  private static final class Neither extends Operation {
    Neither(Tensor x) {
      super(x);
    }

    @Override
    protected Tensor forward() {
      return input(0).negate();
    }
  }

  @Test
  void allGradientsAtOnce() {
    Tensor x = Tensor.of(new double[] {1, 2}, 2);
    Tensor constant = Tensor.of(new double[] {5, 5}, 2).asConstant();
    Tensor ones = Tensor.of(new double[] {1, 1}, 2).asConstant();
    new AllAtOnce(x, constant, ones, null).apply().sum().backward();
    assertThat(x.grad()).isNotNull();
    assertThat(x.grad().toDoubleArray()).containsExactly(1, 1);
  }

  @Test
  void aBackwardThatIsNotOneSaysSo() {
    Tensor x = Tensor.of(new double[] {1, 2}, 2);
    Tensor y = Tensor.of(new double[] {3, 4}, 2);
    assertThatThrownBy(() -> new Neither(x).apply().sum().backward())
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessage("Neither: overrides neither backward(input, grad) nor backward(grad)");
    assertThatThrownBy(() -> new AllAtOnce(x, y, x).apply().sum().backward())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("AllAtOnce: backward gave 1 gradients for 2 inputs");
    assertThatThrownBy(() -> new AllAtOnce(x, y, x, null).apply().sum().backward())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("AllAtOnce: backward gave no gradient for input 1, a variable");
    assertThat(x.grad()).isNull();
  }
}
