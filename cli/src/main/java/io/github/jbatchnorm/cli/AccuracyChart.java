package io.github.jbatchnorm.cli;

import java.awt.BasicStroke;
import java.io.IOException;
import java.util.List;
import java.util.stream.IntStream;
import org.knowm.xchart.ChartEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.markers.Marker;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** The chart of test accuracy by epoch, of some networks. */
final class AccuracyChart {
  private static final float LINE = 3;
  private static final int MOST_TICKS = 20;

  /** What tells the curves apart, beside their colours. */
  private static final List<BasicStroke> STROKES =
      List.of(new BasicStroke(LINE), dashed(9, 6), dashed(3, 5));

  private static final List<Marker> MARKERS =
      List.of(SeriesMarkers.CIRCLE, SeriesMarkers.DIAMOND, SeriesMarkers.SQUARE);

  /**
   * The accuracies of one network, an epoch after the other.
   *
   * @param accuracies 0 to 1
   */
  record Curve(String name, List<Double> accuracies) {}

  private AccuracyChart() {}

  private static BasicStroke dashed(float dash, float gap) {
    float[] dashes = {dash, gap};
    return new BasicStroke(LINE, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1, dashes, 0);
  }

  /** Returns the chart as a PNG. */
  static byte[] draw(List<EpochRow> rows) throws IOException {
    return ChartEncoder.getBytes(chart(rows), "png");
  }

  /** Returns the chart of up to three networks, from an epoch on, as a PNG. */
  static byte[] draw(int first, List<Curve> curves) throws IOException {
    return ChartEncoder.getBytes(chart(first, curves), "png");
  }

  static XYChart chart(List<EpochRow> rows) {
    return chart(
        rows.get(0).epoch(),
        List.of(
            new Curve("with batch norm", rows.stream().map(EpochRow::with).toList()),
            new Curve("without", rows.stream().map(EpochRow::without).toList())));
  }

  private static XYChart chart(int first, List<Curve> curves) {
    XYChart chart =
        new XYChartBuilder()
            .width(ChartStyle.WIDTH)
            .height(ChartStyle.HEIGHT)
            .title("Test accuracy by epoch")
            .xAxisTitle("epoch")
            .yAxisTitle("images recognized, %")
            .build();
    ChartStyle.apply(chart.getStyler());
    int last = first + curves.get(0).accuracies.size() - 1;
    chart.getStyler().setXAxisDecimalPattern("0").setXAxisMin(first - 0.5).setXAxisMax(last + 0.5);
    if (last - first < MOST_TICKS) {
      chart.getStyler().setXAxisTickMarkSpacingHint(ChartStyle.WIDTH / (last - first + 2));
    }
    double[] epochs = IntStream.rangeClosed(first, last).asDoubleStream().toArray();
    for (int i = 0; i < curves.size(); i++) {
      Curve curve = curves.get(i);
      double[] percent = curve.accuracies.stream().mapToDouble(share -> 100 * share).toArray();
      chart
          .addSeries(curve.name, epochs, percent)
          .setMarker(MARKERS.get(i))
          .setLineStyle(STROKES.get(i));
    }
    return chart;
  }
}
