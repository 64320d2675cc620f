package io.github.jbatchnorm.site;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Source text as HTML: comments, strings and keywords in colours of their own. */
final class Highlight {
  private static final String C_WORDS =
      "abstract|break|case|catch|class|const|continue|default|do|double|else|enum|extends|final"
          + "|finally|float|for|fun|if|implements|import|include|instanceof|int|interface|long|new"
          + "|null|package|private|protected|public|record|return|sealed|static|super|switch|this"
          + "|throw|throws|true|false|try|val|var|void|while|yield|boolean|byte|char|short|size_t"
          + "|struct|implementation|runtimeOnly";

  private static final Pattern C =
      Pattern.compile(
          "(?<comment>//[^\n]*|/\\*.*?\\*/)"
              + "|(?<string>\"\"\".*?\"\"\"|\"(?:\\\\.|[^\"\\\\\n])*\"|'(?:\\\\.|[^'\\\\\n])+')"
              + "|(?<word>(?<![\\w.])(?:"
              + C_WORDS
              + ")\\b)",
          Pattern.DOTALL);

  private static final Pattern XML =
      Pattern.compile(
          "(?<comment><!--.*?-->)|(?<string>\"[^\"]*\")|(?<word></?[\\w:.-]+|/?>)", Pattern.DOTALL);

  private static final Map<String, Pattern> LANGUAGES =
      Map.of("java", C, "kotlin", C, "kts", C, "kt", C, "c", C, "cpp", C, "h", C, "xml", XML);

  private Highlight() {}

  static String escape(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }

  /** Returns the text of a program in a language that may not be known. */
  static String html(String language, String text) {
    Pattern pattern = LANGUAGES.get(language);
    if (pattern == null) {
      return escape(text);
    }
    StringBuilder html = new StringBuilder();
    Matcher matcher = pattern.matcher(text);
    int at = 0;
    while (matcher.find()) {
      html.append(escape(text.substring(at, matcher.start())));
      String kind =
          matcher.group("comment") != null
              ? "comment"
              : matcher.group("string") != null ? "string" : "word";
      html.append("<span class=\"").append(kind).append("\">");
      html.append(escape(matcher.group())).append("</span>");
      at = matcher.end();
    }
    return html.append(escape(text.substring(at))).toString();
  }
}
