package io.github.jbatchnorm.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.internal.series.Series;

/** What the charts show, and the history of which the learning curve is drawn. */
class ChartsTest {
  private static final List<EpochRow> ROWS =
      List.of(new EpochRow(1, 0.831, 0.542), new EpochRow(2, 0.944, 1e-4), new EpochRow(3, 1, 0));

  private static BufferedImage image(byte[] png) throws IOException {
    return ImageIO.read(new ByteArrayInputStream(png));
  }

  private static List<String> names(Chart<?, ?> chart) {
    return chart.getSeriesCollection().stream().map(Series::getName).toList();
  }

  @Test
  void learningCurveNamesBothNetworksAndHasEveryEpoch() {
    XYChart chart = AccuracyChart.chart(ROWS);
    assertThat(names(chart)).containsExactly("with batch norm", "without");
    assertThat(chart.getSeries("with batch norm").getXData()).containsExactly(1, 2, 3);
    assertThat(chart.getSeries("without").getYData()).containsExactly(54.2, 0.01, 0);
  }

  @Test
  void oneEpochIsDrawnToo() throws IOException {
    assertThat(image(AccuracyChart.draw(ROWS.subList(0, 1))).getWidth()).isEqualTo(1000);
  }

  /** The line of a copy's rate goes across the whole plot, above the bars. */
  @Test
  void benchHasALineAtTheCopysRate() throws IOException {
    List<BenchCommand.Row> rows = List.of(new BenchCommand.Row("mb32ic64ih56iw56", 0.5, 0.4, 0.5));
    CategoryChart chart = ThroughputChart.chart(rows);
    assertThat(names(chart)).containsExactly("forward", "backward", "inference");
    BufferedImage image = image(ThroughputChart.draw(rows));
    int longest = 0;
    for (int row = 0; row < image.getHeight() / 2; row++) {
      int dark = 0;
      for (int column = 0; column < image.getWidth(); column++) {
        Color color = new Color(image.getRGB(column, row));
        dark += color.getRed() + color.getGreen() + color.getBlue() < 200 ? 1 : 0;
      }
      longest = Math.max(longest, dark);
    }
    assertThat(longest).isGreaterThan(image.getWidth() * 3 / 4);
  }

  @Test
  void historyComesBackAsItWasWritten() {
    assertThat(EpochRow.parse(EpochRow.text(ROWS))).isEqualTo(ROWS);
    assertThat(EpochRow.parse(EpochRow.text(List.of()))).isEmpty();
    for (String text : List.of("1 0.5", "1 0.5 0.5;", "x 1 1", "1 0.5 -")) {
      assertThatThrownBy(() -> EpochRow.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }
  }
}
