package io.github.jbatchnorm.programs;

import io.github.jbatchnorm.autograd.Complex;
import io.github.jbatchnorm.autograd.Tensor;
import io.github.jbatchnorm.batchnorm.BatchNormBuilder;
import io.github.jbatchnorm.batchnorm.BatchNormOp;
import io.github.jbatchnorm.kernel.BatchNormOptions;
import io.github.jbatchnorm.kernel.Layout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Batch normalization with every option, from its definition. */
final class Norms {
  private static final double[] EPS = {0.1, 1e-2, 1};

  private final Choices choices;
  private final Value x;
  private final int channel;
  private final Layout layout;
  private final double eps;
  private final boolean[] others;
  private final List<Integer> inputs = new ArrayList<>();
  private final StringBuilder text = new StringBuilder("batchnorm");
  private double slope = 1;
  private int groups = 1;
  private boolean inPlace;
  private int gamma = -1;
  private int beta = -1;
  private int z = -1;
  private int mean = -1;
  private int var = -1;
  private double @Nullable [] mask;
  private double @Nullable [] samples;

  private Norms(Draft draft, int node) {
    choices = draft.choices;
    x = draft.value(node);
    inputs.add(node);
    layout = choices.flag() ? Layout.NHWC : Layout.NCHW;
    channel = layout == Layout.NCHW ? 1 : x.ndim() - 1;
    eps = EPS[choices.below(EPS.length)];
    others = new boolean[x.ndim()];
    Arrays.fill(others, true);
    others[channel] = false;
    choose(draft);
    text.append(" %s eps %s slope %s".formatted(layout, eps, slope));
  }

  static @Nullable Step step(Draft draft, int node) {
    if (draft.value(node).ndim() < 2 || draft.value(node).size() == 0) {
      return null;
    }
    return new Norms(draft, node).step(draft);
  }

  private void choose(Draft draft) {
    int kind = choices.below(6);
    inPlace = kind == 1;
    if (choices.flag()) {
      gamma = perChannel(draft, "gamma", 0.5, 2);
    }
    if (choices.flag()) {
      beta = perChannel(draft, "beta", -1, 1);
    }
    if (kind == 2) {
      mean = perChannel(draft, "mean", -1, 1);
      var = perChannel(draft, "var", 0.5, 2);
    }
    if (kind == 3) {
      groups = x.dim(0) % 2 == 0 ? 2 : x.dim(0);
      text.append(" groups ").append(groups);
    }
    if (kind == 4 || (kind == 2 && choices.flag())) {
      mask = weights(x.size() / x.dim(channel), 1, 1);
      text.append(" mask ").append(Arrays.toString(mask));
    }
    if (kind == 5 || (kind == 4 && choices.flag())) {
      samples = weights(x.dim(0), 0.5, 2);
      text.append(" samples ").append(Arrays.toString(samples));
    }
    if (!inPlace && choices.flag()) {
      z = draft.leaf(-1, 1, x.shape());
      inputs.add(z);
      text.append(" add");
    }
  }

  /** Some weights of 0, others of a range; the first is more, so that there is some. */
  private double[] weights(int count, double low, double high) {
    return IntStream.range(0, count)
        .mapToDouble(i -> i > 0 && choices.rarely(4) ? 0 : choices.between(low, high))
        .toArray();
  }

  private int perChannel(Draft draft, String name, double low, double high) {
    int c = x.dim(channel);
    int[] shape = choices.flag() ? new int[] {c} : new int[] {1, c, 1};
    int node = draft.leaf(low, high, shape);
    inputs.add(node);
    text.append(' ').append(name);
    return node;
  }

  private @Nullable Step step(Draft draft) {
    List<Value> values = inputs.stream().map(draft::value).toList();
    Value before = normalized(values);
    if (choices.flag() && before.all(y -> y.re() == 0 || Math.abs(y.re()) > 1e-3)) {
      slope = inPlace ? 0.25 : choices.flag() ? 0.25 : 0;
    }
    if (!hasWeight()) {
      return null;
    }
    Step step =
        Step.of(
            text.toString() + (slope == 1 ? "" : " tail " + slope) + (inPlace ? " in place" : ""),
            this::library,
            in -> normalized(in).map(y -> y.re() < 0 ? y.times(slope) : y),
            inputs.toArray(Integer[]::new));
    return inPlace ? step.inPlace() : step;
  }

  private <T> @Nullable T of(List<T> in, int node) {
    return node < 0 ? null : in.get(inputs.indexOf(node));
  }

  private Tensor library(List<Tensor> in) {
    BatchNormBuilder call =
        BatchNormOp.on(in.get(0))
            .options(new BatchNormOptions(layout, eps, slope))
            .gamma(of(in, gamma))
            .beta(of(in, beta))
            .add(of(in, z))
            .groups(groups)
            .mask(mask == null ? null : Tensor.of(mask, positions()).asConstant())
            .sampleWeights(samples == null ? null : Tensor.of(samples).asConstant());
    if (mean >= 0) {
      call.given(in.get(inputs.indexOf(mean)), in.get(inputs.indexOf(var)));
    }
    return inPlace ? call.inPlace().apply() : call.apply();
  }

  private int[] positions() {
    return IntStream.range(0, x.ndim()).filter(axis -> axis != channel).map(x::dim).toArray();
  }

  /** The weights of the elements, one along the channel's axis. */
  private Value weights() {
    int[] shape = x.shape();
    shape[channel] = 1;
    int each = Value.size(shape) / shape[0];
    int[] place = {0};
    return Value.of(
        shape,
        i -> {
          int at = place[0]++;
          double masked = mask == null ? 1 : mask[at];
          return Complex.of(samples == null ? masked : masked * samples[at / each]);
        });
  }

  private boolean hasWeight() {
    boolean[] all = new boolean[x.ndim()];
    Arrays.fill(all, true);
    return weights().reduce(all, Value::sum).at(0).re() > 0;
  }

  private Value spread(Value perChannel) {
    int[] shape = new int[x.ndim()];
    Arrays.fill(shape, 1);
    shape[channel] = x.dim(channel);
    return perChannel.reshape(shape);
  }

  /** What comes before the tail. */
  private Value normalized(List<Value> in) {
    Value weights = weights();
    Value y = xHat(in, weights);
    Value scale = of(in, gamma);
    Value shift = of(in, beta);
    Value added = of(in, z);
    y = scale == null ? y : y.zip(spread(scale), Complex::times);
    y = shift == null ? y : y.zip(spread(shift), Complex::plus);
    y = added == null ? y : y.zip(added, Complex::plus);
    return y.zip(weights, (value, weight) -> weight.re() == 0 ? Complex.of(0) : value);
  }

  private Value xHat(List<Value> in, Value weights) {
    Value whole = in.get(0);
    if (mean >= 0) {
      Value centre = spread(in.get(inputs.indexOf(mean)));
      Value spread = spread(in.get(inputs.indexOf(var)));
      return normalized(whole, centre, spread);
    }
    int n = whole.dim(0) / groups;
    Value[] parts = new Value[groups];
    for (int g = 0; g < groups; g++) {
      int[] rows = IntStream.range(g * n, (g + 1) * n).toArray();
      parts[g] = xHatOf(whole.take(0, rows), weights.take(0, rows));
    }
    return Value.of(
        whole.shape(),
        i -> {
          int[] own = i.clone();
          own[0] = i[0] % n;
          return parts[i[0] / n].get(own);
        });
  }

  private Value xHatOf(Value part, Value weights) {
    Value total = weights.reduce(others, Value::sum);
    Value mean =
        part.zip(weights, Complex::times).reduce(others, Value::sum).zip(total, Complex::over);
    Value squares = part.zip(mean, Complex::minus).map(d -> d.times(d));
    Value variance =
        squares.zip(weights, Complex::times).reduce(others, Value::sum).zip(total, Complex::over);
    return normalized(part, mean, variance);
  }

  private Value normalized(Value part, Value mean, Value variance) {
    Value std = variance.map(v -> v.plus(eps).sqrt());
    return part.zip(mean, Complex::minus).zip(std, Complex::over);
  }
}
