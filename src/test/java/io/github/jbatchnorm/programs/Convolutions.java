package io.github.jbatchnorm.programs;

import io.github.jbatchnorm.autograd.Complex;
import io.github.jbatchnorm.nn.functional.ConvOptions;
import io.github.jbatchnorm.nn.functional.Functions;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Convolutions of one to three dimensions, from their definition. */
final class Convolutions {
  private final int[] stride;
  private final int[] padding;
  private final int[] dilation;
  private final int groups;
  private final int[] filter;

  private Convolutions(Choices choices, Value x) {
    int dimensions = x.ndim() - 2;
    stride = new int[dimensions];
    padding = new int[dimensions];
    dilation = new int[dimensions];
    filter = new int[dimensions];
    for (int i = 0; i < dimensions; i++) {
      stride[i] = 1 + choices.below(3);
      padding[i] = choices.below(3);
      dilation[i] = 1 + choices.below(2);
      int room = x.dim(2 + i) + 2 * padding[i] - 1;
      filter[i] = 1 + choices.below(Math.max(0, Math.min(2, room / dilation[i])) + 1);
    }
    groups = x.dim(1) % 2 == 0 && x.dim(1) > 0 && choices.flag() ? 2 : 1;
  }

  static @Nullable Step step(Draft draft, int x) {
    Value value = draft.value(x);
    if (value.ndim() < 3 || value.ndim() > 5 || value.size() == 0) {
      return null;
    }
    Convolutions c = new Convolutions(draft.choices, value);
    int[] shape = value.shape();
    shape[0] = c.groups * (1 + draft.choices.below(2));
    shape[1] = value.dim(1) / c.groups;
    System.arraycopy(c.filter, 0, shape, 2, c.filter.length);
    int filters = draft.leaf(-1, 1, shape);
    int bias = draft.leaf(-1, 1, shape[0]);
    return c.step(draft, x, filters, bias);
  }

  private Step step(Draft draft, int x, int filters, int bias) {
    ConvOptions options =
        ConvOptions.DEFAULT
            .withStride(stride)
            .withPadding(padding)
            .withDilation(dilation)
            .withGroups(groups);
    Value plain = of(List.of(draft.value(x), draft.value(filters), draft.value(bias)));
    boolean relu = draft.choices.flag() && plain.isAwayFrom(0);
    return Step.of(
        "conv%s stride %s padding %s dilation %s groups %s"
            .formatted(
                relu ? "Relu" : "",
                Arrays.toString(stride),
                Arrays.toString(padding),
                Arrays.toString(dilation),
                groups),
        in ->
            relu
                ? Functions.convRelu(in.get(0), in.get(1), in.get(2), options)
                : Functions.conv(in.get(0), in.get(1), in.get(2), options),
        in -> of(in).map(z -> relu && z.re() < 0 ? Complex.of(0) : z),
        x,
        filters,
        bias);
  }

  private Value of(List<Value> in) {
    Value x = in.get(0);
    Value filters = in.get(1);
    int[] shape = x.shape();
    shape[1] = filters.dim(0);
    for (int i = 0; i < filter.length; i++) {
      int reach = dilation[i] * (filter[i] - 1) + 1;
      shape[2 + i] = (shape[2 + i] + 2 * padding[i] - reach) / stride[i] + 1;
    }
    return Value.of(shape, at -> sum(x, filters, at).plus(in.get(2).get(at[1])));
  }

  private Complex sum(Value x, Value filters, int... at) {
    Complex sum = Complex.of(0);
    int[] window = filters.shape();
    window[0] = 1;
    int group = at[1] / (filters.dim(0) / groups);
    for (int place = 0; place < Value.size(window); place++) {
      int[] within = Value.index(window, place);
      int[] index = at.clone();
      index[1] = group * filters.dim(1) + within[1];
      boolean inside = true;
      for (int i = 0; i < filter.length; i++) {
        index[2 + i] = at[2 + i] * stride[i] - padding[i] + within[2 + i] * dilation[i];
        inside &= index[2 + i] >= 0 && index[2 + i] < x.dim(2 + i);
      }
      within[0] = at[1];
      sum = inside ? sum.plus(x.get(index).times(filters.get(within))) : sum;
    }
    return sum;
  }
}
