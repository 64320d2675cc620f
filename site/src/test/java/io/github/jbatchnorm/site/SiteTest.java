package io.github.jbatchnorm.site;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The site in a browser: every page from the first one on, every link, every picture. */
class SiteTest {
  private static final Path SITE = Path.of(System.getProperty("site.folder")).normalize();
  private static final int DESKTOP = 1280;
  private static final int PHONE = 500; // a window of Chromium cannot be narrower

  /** Javadoc's pages are much alike: these are opened, the others are read by the browser alone. */
  private static final String JAVADOC_OPENED =
      ".*/(api/index|nn/package-summary|nn/BatchNorm|allclasses-index)\\.html";

  @TempDir private static Path profile;

  private static Pages pages;
  private static Browser browser;
  private static final Map<String, Browser.Look> LOOKS = new LinkedHashMap<>();
  private static final List<String> CONSOLE = new ArrayList<>();

  @BeforeAll
  static void openEveryPage() throws IOException {
    pages = new Pages(SITE);
    browser = new Browser(profile);
    browser.width(DESKTOP);
    Queue<String> javadoc = new ArrayDeque<>();
    follow(new ArrayDeque<>(List.of(pages.address() + "index.html")), javadoc);
    follow(javadoc, javadoc);
    CONSOLE.addAll(browser.console());
  }

  /** Opens pages and those that they lead to; the Javadoc's go to a queue of their own. */
  private static void follow(Queue<String> waiting, Queue<String> javadoc) {
    while (!waiting.isEmpty()) {
      String page = waiting.remove();
      if (LOOKS.containsKey(page)) {
        continue;
      }
      boolean opens = isOurs(page) || page.matches(JAVADOC_OPENED);
      Browser.Look look = opens ? browser.open(page) : browser.parse(page);
      LOOKS.put(page, look);
      for (String link : look.links()) {
        String target = withoutName(link);
        if (target.startsWith(pages.address()) && target.endsWith(".html")) {
          (isOurs(target) ? waiting : javadoc).add(target);
        }
      }
    }
  }

  @AfterAll
  static void close() {
    browser.close();
    pages.close();
  }

  private static String withoutName(String link) {
    int hash = link.indexOf('#');
    return hash < 0 ? link : link.substring(0, hash);
  }

  private static boolean isOurs(String page) {
    return !page.startsWith(pages.address() + "api/");
  }

  @Test
  void everyPageIsReached() throws IOException {
    try (Stream<Path> files = Files.walk(SITE)) {
      List<String> written =
          files
              .filter(file -> file.toString().endsWith(".html"))
              .map(file -> pages.address() + SITE.relativize(file))
              .filter(SiteTest::isOurs)
              .toList();
      assertThat(LOOKS.keySet())
          .containsAll(written)
          .contains(
              pages.address() + "api/io.github.jbatchnorm/io/github/jbatchnorm/nn/BatchNorm.html");
    }
    assertThat(LOOKS.values()).allSatisfy(look -> assertThat(look.title()).isNotBlank());
  }

  @Test
  void everyLinkLeadsSomewhere() {
    Set<String> broken = new HashSet<>();
    LOOKS.forEach(
        (page, look) -> {
          for (String link : look.links()) {
            if (link.startsWith(pages.address()) && !leads(link) && !isJavadocsOwn(link)) {
              broken.add(page + " -> " + link);
            }
          }
        });
    assertThat(broken).isEmpty();
  }

  /** JDK 17's javadoc writes one link to an anchor that its page has not got. */
  private static boolean isJavadocsOwn(String link) {
    return link.endsWith("/constant-values.html#io.github");
  }

  private static boolean leads(String link) {
    String target = withoutName(link);
    Browser.Look look = LOOKS.get(target);
    if (look == null) {
      return Files.isRegularFile(SITE.resolve(target.substring(pages.address().length())));
    }
    String name = link.substring(Math.min(target.length() + 1, link.length()));
    return name.isEmpty() || look.names().contains(decoded(name));
  }

  private static String decoded(String name) {
    return URLDecoder.decode(name.replace("+", "%2B"), StandardCharsets.UTF_8);
  }

  @Test
  void everyPictureIsOne() {
    assertThat(LOOKS.values()).allSatisfy(look -> assertThat(look.broken()).isEmpty());
    assertThat(LOOKS.get(pages.address() + "index.html").pictures()).isPositive();
    assertThat(LOOKS.get(pages.address() + "docs/performance.html").pictures()).isEqualTo(2);
  }

  @Test
  void consoleIsQuietAndNothingComesFromElsewhere() {
    assertThat(CONSOLE).isEmpty();
    assertThat(LOOKS.values())
        .allSatisfy(
            look ->
                assertThat(look.requests())
                    .isNotEmpty()
                    .allSatisfy(url -> assertThat(url).startsWith(pages.address())));
  }

  @Test
  void pagesFitAPhone() {
    browser.width(PHONE);
    for (String page : LOOKS.keySet()) {
      if (isOurs(page)) {
        assertThat(browser.open(page).wide()).as(page).isZero();
      }
    }
  }
}
