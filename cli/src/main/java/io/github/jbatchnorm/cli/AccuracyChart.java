package io.github.jbatchnorm.cli;

import java.awt.BasicStroke;
import java.io.IOException;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.knowm.xchart.ChartEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** The chart of test accuracy by epoch, of both networks. */
final class AccuracyChart {
  private static final float LINE = 3;
  private static final float[] DASHES = {9, 6};
  private static final int MOST_TICKS = 20;

  private AccuracyChart() {}

  /** Returns the chart as a PNG. */
  static byte[] draw(List<EpochRow> rows) throws IOException {
    return ChartEncoder.getBytes(chart(rows), "png");
  }

  static XYChart chart(List<EpochRow> rows) {
    XYChart chart =
        new XYChartBuilder()
            .width(ChartStyle.WIDTH)
            .height(ChartStyle.HEIGHT)
            .title("Test accuracy by epoch")
            .xAxisTitle("epoch")
            .yAxisTitle("images recognized, %")
            .build();
    ChartStyle.apply(chart.getStyler());
    int first = rows.get(0).epoch();
    int last = rows.get(rows.size() - 1).epoch();
    chart.getStyler().setXAxisDecimalPattern("0").setXAxisMin(first - 0.5).setXAxisMax(last + 0.5);
    if (last - first < MOST_TICKS) {
      chart.getStyler().setXAxisTickMarkSpacingHint(ChartStyle.WIDTH / (last - first + 2));
    }
    BasicStroke solid = new BasicStroke(LINE);
    BasicStroke dashed =
        new BasicStroke(LINE, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1, DASHES, 0);
    add(chart, "with batch norm", rows, EpochRow::with, solid, SeriesMarkers.CIRCLE);
    add(chart, "without", rows, EpochRow::without, dashed, SeriesMarkers.DIAMOND);
    return chart;
  }

  private static void add(
      XYChart chart,
      String name,
      List<EpochRow> rows,
      ToDoubleFunction<EpochRow> accuracy,
      BasicStroke stroke,
      Marker marker) {
    double[] epochs = rows.stream().mapToDouble(EpochRow::epoch).toArray();
    double[] percent = rows.stream().mapToDouble(accuracy).map(share -> 100 * share).toArray();
    chart.addSeries(name, epochs, percent).setMarker(marker).setLineStyle(stroke);
  }
}
