package io.github.jbatchnorm.nn.functional;

import java.util.Arrays;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * How filters move over x in a convolution: step 1, no padding, no dilation and one group but for
 * what the methods change. Immutable.
 */
public final class ConvOptions {
  /** Step 1, no padding, no dilation, one group. */
  public static final ConvOptions DEFAULT =
      new ConvOptions(new int[] {1}, new int[] {0}, new int[] {1}, 1);

  private final int[] stride;
  private final int[] padding;
  private final int[] dilation;
  private final int groups;

  private ConvOptions(int[] stride, int[] padding, int[] dilation, int groups) {
    this.stride = stride;
    this.padding = padding;
    this.dilation = dilation;
    this.groups = groups;
  }

  /**
   * {@return options with the filters' step along each axis, 1 or more; one number for all axes}
   *
   * @param newStride 1 or more
   */
  public ConvOptions withStride(int... newStride) {
    Objects.requireNonNull(newStride, "stride");
    return new ConvOptions(newStride.clone(), padding, dilation, groups);
  }

  /**
   * {@return options with zeros around x on each side, 0 or more; one number for all axes}
   *
   * @param newPadding 0 or more
   */
  public ConvOptions withPadding(int... newPadding) {
    Objects.requireNonNull(newPadding, "padding");
    return new ConvOptions(stride, newPadding.clone(), dilation, groups);
  }

  /**
   * {@return options with the distance of a filter's elements, 1 or more; one for all axes}
   *
   * @param newDilation 1 or more
   */
  public ConvOptions withDilation(int... newDilation) {
    Objects.requireNonNull(newDilation, "dilation");
    return new ConvOptions(stride, padding, newDilation.clone(), groups);
  }

  /**
   * {@return options with so many groups of channels, each with filters of its own}
   *
   * @param newGroups a divisor of both numbers of channels
   */
  public ConvOptions withGroups(int newGroups) {
    return new ConvOptions(stride, padding, dilation, newGroups);
  }

  int[] stride(int dimensions) {
    return each(dimensions, stride);
  }

  int[] padding(int dimensions) {
    return each(dimensions, padding);
  }

  int[] dilation(int dimensions) {
    return each(dimensions, dilation);
  }

  /** {@return the number of groups} */
  public int groups() {
    return groups;
  }

  static int[] each(int dimensions, int... values) {
    if (values.length != 1) {
      return values;
    }
    int[] all = new int[dimensions];
    Arrays.fill(all, values[0]);
    return all;
  }

  /** Returns the step, and what else is not as in {@link #DEFAULT}: "stride 2, padding 1". */
  @Override
  public String toString() {
    return part("stride", stride)
        + (isAll(0, padding) ? "" : ", " + part("padding", padding))
        + (isAll(1, dilation) ? "" : ", " + part("dilation", dilation))
        + (groups == 1 ? "" : ", groups " + groups);
  }

  private static boolean isAll(int value, int... values) {
    return Arrays.stream(values).allMatch(each -> each == value);
  }

  private static String part(String name, int... values) {
    return Arrays.stream(values)
        .mapToObj(Integer::toString)
        .collect(Collectors.joining("x", name + " ", ""));
  }
}
