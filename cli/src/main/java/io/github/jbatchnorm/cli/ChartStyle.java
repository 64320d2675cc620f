package io.github.jbatchnorm.cli;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.util.Locale;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.Styler.LegendLayout;
import org.knowm.xchart.style.Styler.LegendPosition;

/** What the charts have in common: letters that can be read, colours that all can tell apart. */
final class ChartStyle {
  static final int WIDTH = 1000;
  static final int HEIGHT = 600;

  /** Blue, orange and green of Okabe and Ito's palette. */
  static final Color[] COLORS = {
    new Color(0x00, 0x72, 0xB2), new Color(0xD5, 0x5E, 0x00), new Color(0x00, 0x9E, 0x73)
  };

  private static final Color INK = new Color(0x22, 0x22, 0x22);
  private static final Color GRID = new Color(0xDD, 0xDD, 0xDD);
  private static final int TEXT = 17;
  private static final int PADDING = 14;
  private static final int MARKER = 12;

  private ChartStyle() {}

  static void apply(AxesChartStyler style) {
    Font text = new Font(Font.SANS_SERIF, Font.PLAIN, TEXT);
    style.setAxisTickLabelsFont(text).setAxisTitleFont(text);
    style.setAxisTickLabelsColor(INK).setPlotGridLinesColor(GRID);
    style
        .setChartTitleFont(new Font(Font.SANS_SERIF, Font.BOLD, TEXT + 3))
        .setChartTitlePadding(PADDING)
        .setLegendFont(text)
        .setLegendPadding(PADDING)
        .setMarkerSize(MARKER)
        .setLegendPosition(LegendPosition.OutsideS)
        .setLegendLayout(LegendLayout.Horizontal)
        .setLegendBorderColor(Color.WHITE)
        .setChartBackgroundColor(Color.WHITE)
        .setChartFontColor(INK)
        .setPlotBorderColor(GRID)
        .setSeriesColors(COLORS)
        .setAnnotationLineColor(INK)
        .setAnnotationLineStroke(new BasicStroke(2))
        .setAnnotationTextFont(text)
        .setAnnotationTextFontColor(INK)
        .setLocale(Locale.ROOT);
  }
}
