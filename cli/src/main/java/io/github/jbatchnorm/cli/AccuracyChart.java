package io.github.jbatchnorm.cli;

import java.io.IOException;
import java.util.List;
import java.util.Locale;
import org.knowm.xchart.ChartEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler.LegendPosition;

/** The chart of test accuracy by epoch, of both networks. */
final class AccuracyChart {
  private static final int WIDTH = 800;
  private static final int HEIGHT = 500;

  private AccuracyChart() {}

  /** Returns the chart as a PNG. */
  static byte[] draw(List<TrainCommand.Row> rows) throws IOException {
    XYChart chart =
        new XYChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .title("Test accuracy with and without batch normalization")
            .xAxisTitle("epoch")
            .yAxisTitle("test accuracy, %")
            .build();
    chart.getStyler().setXAxisDecimalPattern("0").setLegendPosition(LegendPosition.InsideSE);
    chart.getStyler().setLocale(Locale.ROOT);
    List<Integer> epochs = rows.stream().map(TrainCommand.Row::epoch).toList();
    chart.addSeries("with", epochs, rows.stream().map(row -> 100 * row.with()).toList());
    chart.addSeries("without", epochs, rows.stream().map(row -> 100 * row.without()).toList());
    return ChartEncoder.getBytes(chart, "png");
  }
}
