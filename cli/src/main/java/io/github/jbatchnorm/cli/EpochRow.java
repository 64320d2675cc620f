package io.github.jbatchnorm.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The test accuracies after one epoch.
 *
 * @param epoch from 1
 * @param with of the network with batch norm, 0 to 1
 * @param without of the other, 0 to 1
 */
record EpochRow(int epoch, double with, double without) {
  private static final Pattern FORM = Pattern.compile("(\\d{1,9}) ([0-9.E-]+) ([0-9.E-]+)");

  /** Returns epochs as the text that a model's file has of them. */
  static String text(List<EpochRow> rows) {
    return rows.stream()
        .map(row -> row.epoch + " " + row.with + " " + row.without)
        .collect(Collectors.joining("; "));
  }

  /**
   * Returns the epochs of such a text.
   *
   * @throws IllegalArgumentException if it is not one
   */
  static List<EpochRow> parse(String text) {
    List<EpochRow> rows = new ArrayList<>();
    for (String part : text.isEmpty() ? new String[0] : text.split("; ", -1)) {
      Matcher row = FORM.matcher(part);
      if (!row.matches()) {
        throw new IllegalArgumentException("no accuracies of an epoch: " + part);
      }
      rows.add(
          new EpochRow(
              Integer.parseInt(row.group(1)),
              Double.parseDouble(row.group(2)),
              Double.parseDouble(row.group(3))));
    }
    return rows;
  }
}
