package io.github.jbatchnorm.cli;

import java.io.IOException;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.knowm.xchart.AnnotationLine;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.ChartEncoder;

/** The chart of the kernel's rate as a share of a copy's, by shape. */
final class ThroughputChart {
  /** The copy's own share, at which there is a line. */
  private static final double COPY = 1;

  private static final double ROOM = 1.15;

  /** More names of shapes than this are too long side by side. */
  private static final int MOST_LEVEL = 4;

  private static final int SLOPE = 20;

  private ThroughputChart() {}

  /** Returns the chart as a PNG. */
  static byte[] draw(List<BenchCommand.Row> rows) throws IOException {
    return ChartEncoder.getBytes(chart(rows), "png");
  }

  static CategoryChart chart(List<BenchCommand.Row> rows) {
    CategoryChart chart =
        new CategoryChartBuilder()
            .width(ChartStyle.WIDTH)
            .height(ChartStyle.HEIGHT)
            .title("Memory moved per second, each array once; the line at 1 is a copy")
            .xAxisTitle("shape")
            .yAxisTitle("share of a copy's rate")
            .build();
    ChartStyle.apply(chart.getStyler());
    double most =
        rows.stream()
            .mapToDouble(row -> Math.max(row.forward(), Math.max(row.backward(), row.inference())))
            .max()
            .orElse(COPY);
    chart.getStyler().setYAxisMin(0.0).setYAxisMax(ROOM * Math.max(COPY, most));
    chart.getStyler().setAvailableSpaceFill(0.7).setYAxisDecimalPattern("0.0");
    if (rows.size() > MOST_LEVEL) {
      chart.getStyler().setXAxisLabelRotation(SLOPE);
    }
    add(chart, "forward", rows, BenchCommand.Row::forward);
    add(chart, "backward", rows, BenchCommand.Row::backward);
    add(chart, "inference", rows, BenchCommand.Row::inference);
    chart.addAnnotation(new AnnotationLine(COPY, false, false));
    return chart;
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
