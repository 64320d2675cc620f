package io.github.jbatchnorm.autograd;

import io.github.jbatchnorm.batchnorm.BatchNormBuilder;
import io.github.jbatchnorm.batchnorm.BatchNormOp;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.Layout;
import io.github.jbatchnorm.memory.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** A batch norm of x (4, 2, 3) or (4, 3, 2), with options drawn at random. */
final class BatchNormCall {
  private static final double EPS = 0.1;
  private static final int[] WHOLE = {4, 2, 3};

  final Layout layout;
  final double slope;
  final int groups;
  final boolean inPlace;
  final boolean given;
  final boolean renormalized;
  final boolean checkpoint;
  final @Nullable Tensor mask;
  final @Nullable Tensor samples;
  final boolean add;
  final boolean scale;
  final boolean shift;
  final int wiring;
  final Tensor r;
  final Tensor d;

  BatchNormCall(SplittableRandom random) {
    layout = random.nextBoolean() ? Layout.NCHW : Layout.NHWC;
    slope = random.nextBoolean() ? 1 : 0.25;
    int kind = random.nextInt(7);
    groups = kind == 0 ? 2 : 1;
    inPlace = kind == 1;
    given = kind == 2 || kind == 3;
    boolean weighted = kind == 3 || kind == 4 || kind == 5;
    mask = weighted && kind != 5 ? mask(random) : null;
    samples = weighted && kind != 4 ? samples(random) : null;
    add = !inPlace && random.nextBoolean();
    renormalized = !given && random.nextInt(3) == 0;
    checkpoint = random.nextInt(3) == 0;
    scale = random.nextInt(4) > 0;
    shift = random.nextInt(4) > 0;
    wiring = random.nextInt(4);
    r = CentralDifferences.random(random, 0.5, 2, 2).asConstant();
    d = CentralDifferences.random(random, -1, 1, 2).asConstant();
  }

  private static Tensor mask(SplittableRandom random) {
    double[] values = random.doubles(12).map(u -> u < 0.3 ? 0 : 1).toArray();
    values[random.nextInt(12)] = 0;
    return Tensor.of(values, 4, 3).asConstant();
  }

  private static Tensor samples(SplittableRandom random) {
    double[] values = random.doubles(4, 0.5, 2).toArray();
    values[random.nextInt(4)] = 0;
    return Tensor.of(values, 4).asConstant();
  }

  /** Draws x, gamma and beta such that no y is near 0, where a tail bends. */
  List<Tensor> inputs(SplittableRandom random) {
    while (true) {
      List<Tensor> inputs =
          List.of(
              CentralDifferences.random(random, -2, 2, 24),
              CentralDifferences.random(random, 0.5, 2, 2),
              CentralDifferences.random(random, -1, 1, 2));
      Parts parts = parts(inputs);
      double[] y = normalized(parts, parts.x).toDoubleArray();
      if (Arrays.stream(y).map(Math::abs).filter(value -> value > 0).min().orElse(1) > 0.02) {
        return inputs;
      }
    }
  }

  int[] shape() {
    return layout == Layout.NCHW ? WHOLE : new int[] {4, 3, 2};
  }

  private int[] channels() {
    return layout == Layout.NCHW ? new int[] {1, 2, 1} : new int[] {1, 1, 2};
  }

  private int[] others() {
    return layout == Layout.NCHW ? new int[] {0, 2} : new int[] {0, 1};
  }

  /** What is normalized, and what with: gamma, beta, z, mean and var are computed from x too. */
  private record Parts(Tensor x, Tensor gamma, Tensor beta, Tensor z, Tensor mean, Tensor var) {}

  private Parts parts(List<Tensor> in) {
    Tensor leaf = in.get(0).reshape(shape());
    Tensor x = wiring % 2 == 0 ? leaf.multiply(1.5) : leaf.add(leaf.sin());
    Tensor ofX = x.sum(others()).tanh();
    Tensor gamma = wiring < 2 ? in.get(1).add(ofX.multiply(0.3)) : in.get(1);
    gamma = renormalized ? gamma.multiply(r) : gamma;
    Tensor beta = wiring == 1 ? in.get(2).multiply(gamma) : in.get(2);
    beta = renormalized ? beta.add(gamma.multiply(d)) : beta;
    Tensor z = wiring == 0 ? x : wiring == 3 ? leaf.multiply(gamma.reshape(channels())) : leaf;
    Tensor mean = wiring < 2 ? x.mean(others()) : in.get(2);
    Tensor var = wiring % 2 == 0 ? gamma.square() : x.var(others());
    return new Parts(x, gamma, beta, z, mean, var);
  }

  /** A loss that is linear in nothing. */
  private Tensor loss(Parts parts, Tensor y) {
    Tensor weights = Tensors.linspace(DType.F64, -1, 2, 24).reshape(shape()).asConstant();
    Tensor curved = y.multiply(y).multiply(weights).add(y.multiply(0.7).sin());
    Tensor beside = wiring == 2 ? y.multiply(parts.gamma.reshape(channels())) : y;
    return curved.multiply(beside.add(1.5)).mean();
  }

  Tensor ofKernel(List<Tensor> in) {
    Parts parts = parts(in);
    if (!checkpoint) {
      return loss(parts, normalized(parts, parts.x));
    }
    List<Tensor> parameters =
        List.of(parts.gamma, parts.beta, parts.z, parts.mean, parts.var, parts.gamma);
    return loss(parts, Checkpoint.of(x -> normalized(parts, x), parts.x, parameters));
  }

  private Tensor normalized(Parts parts, Tensor x) {
    BatchNormBuilder call =
        BatchNormOp.on(inPlace ? x.add(0) : x)
            .options(new BatchNormOptions(layout, EPS, slope))
            .gamma(scale ? parts.gamma : null)
            .beta(shift ? parts.beta : null)
            .add(add ? parts.z : null)
            .mask(mask)
            .sampleWeights(samples)
            .groups(groups);
    if (given) {
      call.given(parts.mean, parts.var);
    }
    return inPlace ? call.inPlace().apply() : call.apply();
  }

  Tensor ofDefinition(List<Tensor> in) {
    Parts parts = parts(in);
    Tensor weights = weights();
    Tensor[] slices = new Tensor[groups];
    int n = 4 / groups;
    for (int i = 0; i < groups; i++) {
      Index rows = Index.range(i * n, (i + 1) * n);
      slices[i] = xHat(parts, parts.x.slice(rows), weights.slice(rows));
    }
    Tensor y = Tensors.concatenate(0, slices);
    y = scale ? y.multiply(parts.gamma.reshape(channels())) : y;
    y = shift ? y.add(parts.beta.reshape(channels())) : y;
    y = add ? y.add(parts.z) : y;
    y = slope == 1 ? y : y.leakyRelu(slope);
    return loss(parts, y.multiply(weights.greater(0)));
  }

  /**
   * Gradients for x, z, gamma, beta, mean and var, none computed from another; the last ones are of
   * the first order, by backward.
   */
  List<List<double[]>> gradientsOfEveryOrder(List<Tensor> data, Tensor seed) {
    Tensor gamma = Tensor.of(new double[] {1.5, -0.75});
    Tensor beta = Tensor.of(new double[] {0.5, -0.25});
    Tensor mean = Tensor.of(new double[] {0.5, 0.25});
    Tensor var = Tensor.of(new double[] {1.5, 2});
    Parts parts = new Parts(data.get(0), gamma, beta, data.get(1), mean, var);
    Tensor[] inputs = {data.get(0), data.get(1), gamma, beta, mean, var};
    Tensor y = normalized(parts, data.get(0));
    List<List<double[]>> found = new ArrayList<>();
    List<Tensor> gradients = Gradients.of(y.multiply(y), seed.asConstant(), List.of(inputs));
    for (int order = 1; order <= GradientOrders.ORDERS; order++) {
      found.add(gradients.stream().map(Tensor::toDoubleArray).toList());
      Tensor sum = Tensor.scalar(0).asConstant();
      for (Tensor gradient : gradients) {
        sum = sum.add(gradient.multiply(gradient).sum());
      }
      gradients = Gradients.of(sum, inputs);
    }
    Tensor again = normalized(parts, data.get(0));
    again.multiply(again).backward(seed);
    found.add(Arrays.stream(inputs).map(BatchNormCall::gradient).toList());
    return found;
  }

  private static double[] gradient(Tensor input) {
    return input.grad() == null ? new double[0] : input.grad().toDoubleArray();
  }

  Tensor weights() {
    Tensor all =
        Tensors.ones(DType.F64, layout == Layout.NCHW ? new int[] {4, 1, 3} : new int[] {4, 3, 1});
    Tensor masked = mask == null ? all : all.multiply(mask.reshape(all.shape()));
    return (samples == null ? masked : masked.multiply(samples.reshape(4, 1, 1))).asConstant();
  }

  private Tensor xHat(Parts parts, Tensor x, Tensor weights) {
    if (given) {
      Tensor std = parts.var.add(EPS).sqrt().reshape(channels());
      return x.subtract(parts.mean.reshape(channels())).divide(std);
    }
    Tensor total = weights.sum(true, others());
    Tensor centred = x.subtract(x.multiply(weights).sum(true, others()).divide(total));
    Tensor var = centred.square().multiply(weights).sum(true, others()).divide(total);
    return centred.divide(var.add(EPS).sqrt());
  }

  @Override
  public String toString() {
    return "%s slope %s groups %d inPlace %s given %s renormalized %s checkpoint %s mask %s samples %s add %s scale %s shift %s wiring %d"
        .formatted(
            layout,
            slope,
            groups,
            inPlace,
            given,
            renormalized,
            checkpoint,
            mask != null,
            samples != null,
            add,
            scale,
            shift,
            wiring);
  }
}
