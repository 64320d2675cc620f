package io.github.jbatchnorm.programs;

import io.github.jbatchnorm.autograd.InvalidBackpropException;
import io.github.jbatchnorm.autograd.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** Prints, of so many random programs, a line with a hash of all results and gradients. */
final class ProgramBits {
  private ProgramBits() {}

  public static void main(String[] args) {
    SplittableRandom random = new SplittableRandom(Long.parseLong(args[1]));
    for (int i = 0; i < Integer.parseInt(args[0]); i++) {
      Program program = program(random);
      System.out.println("%08x".formatted(hash(program)));
    }
  }

  static Program program(SplittableRandom random) {
    return Program.of(random.ints(2 + random.nextInt(89), 0, Choices.MOST).toArray());
  }

  static int hash(Program program) {
    List<Tensor> leaves = program.tensors();
    List<Tensor> nodes = new ArrayList<>();
    int[] hash = {1};
    program.run(
        leaves,
        (node, tensor) -> {
          nodes.add(tensor);
          hash[0] = 31 * hash[0] + hash(tensor);
        });
    try {
      program.loss(nodes).backward();
    } catch (InvalidBackpropException e) {
      return hash[0]; // of what was written over
    }
    for (Tensor leaf : leaves) {
      hash[0] = 31 * hash[0] + (leaf.grad() == null ? 0 : hash(leaf.grad()));
    }
    return hash[0];
  }

  private static int hash(Tensor tensor) {
    return Arrays.hashCode(
        tensor.toDoubleArray()); // which tells -0 from 0, and no NaN from another
  }
}
