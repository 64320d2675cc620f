package io.github.jbatchnorm.cli;

import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.ChartEncoder;
import org.knowm.xchart.style.Styler.LegendPosition;

/** The chart of the kernel's rate as a share of a copy's, by shape. */
final class ThroughputChart {
  private static final int WIDTH = 900;
  private static final int HEIGHT = 500;

  private ThroughputChart() {}

  /** Returns the chart as a PNG. */
  static byte[] draw(List<BenchCommand.Row> rows) throws IOException {
    CategoryChart chart =
        new CategoryChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .title("Memory moved per second, each array once, as a share of a copy's")
            .xAxisTitle("shape")
            .yAxisTitle("share of the copy")
            .build();
    chart.getStyler().setYAxisMin(0.0).setLegendPosition(LegendPosition.OutsideS);
    chart.getStyler().setLocale(Locale.ROOT);
    add(chart, "forward", rows, BenchCommand.Row::forward);
    add(chart, "backward", rows, BenchCommand.Row::backward);
    add(chart, "inference", rows, BenchCommand.Row::inference);
    return ChartEncoder.getBytes(chart, "png");
  }

  private static void add(
      CategoryChart chart,
      String name,
      List<BenchCommand.Row> rows,
      ToDoubleFunction<BenchCommand.Row> value) {
    chart.addSeries(
        name,
        rows.stream().map(BenchCommand.Row::shape).toList(),
        rows.stream().map(value::applyAsDouble).toList());
  }
}
