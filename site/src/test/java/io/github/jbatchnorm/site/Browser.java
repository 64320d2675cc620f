package io.github.jbatchnorm.site;

import java.io.File;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import org.openqa.selenium.Dimension;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;

/** Debian's Chromium without a window, with nothing of its user's. */
final class Browser implements AutoCloseable {
  /** What of a document is looked at, in a page that is open. */
  private static final String LOOK =
      """
      const look = (page) => {
        const all = (what, of) => Array.from(page.querySelectorAll(what), of);
        const address = (each) => new URL(each.getAttribute('href'), base).href;
        return {
          title: page.title,
          links: all('a[href], link[href]', address),
          names: all('[id], a[name]', each => each.id || each.name),
          broken: all('img', each => each).filter(each => !(each.naturalWidth > 0)).map(each => each.src),
          pictures: page.images.length,
          requests: performance.getEntriesByType('resource').map(each => each.name),
          wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        };
      };
      """;

  private static final String OPENED =
      "const base = document.baseURI;" + LOOK + "return look(document);";

  private static final String PARSED =
      "const base = arguments[0]; const done = arguments[1];"
          + LOOK
          + "fetch(base).then(answer => answer.text())"
          + ".then(text => done(look(new DOMParser().parseFromString(text, 'text/html'))));";

  /**
   * What a page has.
   *
   * @param title of the page
   * @param links the addresses that it leads to
   * @param names its anchors
   * @param broken the pictures that are none
   * @param pictures how many there are
   * @param requests what was loaded for it
   * @param wide by how many pixels it is wider than the window
   */
  record Look(
      String title,
      List<String> links,
      List<String> names,
      List<String> broken,
      long pictures,
      List<String> requests,
      long wide) {}

  private final ChromeDriver driver;

  Browser(Path profile) {
    LoggingPreferences logs = new LoggingPreferences();
    logs.enable(LogType.BROWSER, Level.ALL);
    ChromeOptions options = new ChromeOptions();
    options.setBinary("/usr/bin/chromium");
    options.setCapability("goog:loggingPrefs", logs);
    options.addArguments(
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--user-data-dir=" + profile);
    driver =
        new ChromeDriver(
            new ChromeDriverService.Builder()
                .usingDriverExecutable(new File("/usr/bin/chromedriver"))
                .build(),
            options);
  }

  void width(int pixels) {
    driver.manage().window().setSize(new Dimension(pixels, 1000));
  }

  /** Opens a page. */
  Look open(String address) {
    driver.get(address);
    return look(driver.executeScript(OPENED));
  }

  /** Has the browser read a page without showing it, from one of the same site that is open. */
  Look parse(String address) {
    return look(driver.executeAsyncScript(PARSED, address));
  }

  @SuppressWarnings("unchecked") // what the script returns
  private static Look look(Object result) {
    Map<String, Object> found = (Map<String, Object>) result;
    return new Look(
        (String) found.get("title"),
        (List<String>) found.get("links"),
        (List<String>) found.get("names"),
        (List<String>) found.get("broken"),
        (Long) found.get("pictures"),
        (List<String>) found.get("requests"),
        (Long) found.get("wide"));
  }

  /** Returns what the console has had since the last call. */
  List<String> console() {
    return driver.manage().logs().get(LogType.BROWSER).getAll().stream()
        .map(LogEntry::getMessage)
        .toList();
  }

  @Override
  public void close() {
    driver.quit();
  }
}
