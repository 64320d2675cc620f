package io.github.jbatchnorm.site;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.commonmark.Extension;
import org.commonmark.ext.gfm.tables.TableBlock;
import org.commonmark.ext.gfm.tables.TablesExtension;
import org.commonmark.ext.heading.anchor.HeadingAnchorExtension;
import org.commonmark.ext.heading.anchor.IdGenerator;
import org.commonmark.node.AbstractVisitor;
import org.commonmark.node.CustomBlock;
import org.commonmark.node.FencedCodeBlock;
import org.commonmark.node.Heading;
import org.commonmark.node.HtmlBlock;
import org.commonmark.node.Image;
import org.commonmark.node.Link;
import org.commonmark.node.Node;
import org.commonmark.parser.Parser;
import org.commonmark.renderer.html.HtmlRenderer;
import org.commonmark.renderer.text.TextContentRenderer;

/** A document in Markdown: links lead to other pages, diagrams become pictures. */
final class Document {
  private static final List<Extension> EXTENSIONS =
      List.of(TablesExtension.create(), HeadingAnchorExtension.create());

  private final Path root;
  private final Path source;
  private final List<Path> links = new ArrayList<>();
  private final List<Content.Heading> headings = new ArrayList<>();
  private String title = "";

  Document(Path root, Path source) {
    this.root = root;
    this.source = source;
  }

  Content read() throws IOException {
    Node document =
        Parser.builder()
            .extensions(EXTENSIONS)
            .build()
            .parse(Files.readString(root.resolve(source)));
    document.accept(new Rewriter());
    String html = HtmlRenderer.builder().extensions(EXTENSIONS).build().render(document);
    return new Content(title, html, headings, links);
  }

  /** Returns where a link of the document leads to, on the site. */
  private String resolve(String link) {
    if (link.matches("[a-z]+:.*") || link.startsWith("#")) {
      return link;
    }
    int hash = link.indexOf('#');
    String file = hash < 0 ? link : link.substring(0, hash);
    Path folder = source.resolveSibling("");
    Path target = folder.resolve(file).normalize();
    if (target.startsWith("..") || !Files.exists(root.resolve(target))) {
      throw new IllegalStateException("%s: the link %s leads nowhere".formatted(source, link));
    }
    links.add(target);
    return Addresses.relative(root, source, target) + (hash < 0 ? "" : link.substring(hash));
  }

  private final class Rewriter extends AbstractVisitor {
    private final IdGenerator ids = IdGenerator.builder().build();

    @Override
    public void visit(Link link) {
      link.setDestination(resolve(link.getDestination()));
      visitChildren(link);
    }

    @Override
    public void visit(Image image) {
      image.setDestination(resolve(image.getDestination()));
      visitChildren(image);
    }

    @Override
    public void visit(Heading heading) {
      String text = TextContentRenderer.builder().build().render(heading).strip();
      String id = ids.generateId(text);
      if (heading.getLevel() == 1 && title.isEmpty()) {
        title = text;
      } else if (heading.getLevel() == 2) {
        headings.add(new Content.Heading(id, text));
      }
      visitChildren(heading);
    }

    /** Wide tables are scrolled on a narrow screen, not the page. */
    @Override
    public void visit(CustomBlock block) {
      if (block instanceof TableBlock) {
        block.insertBefore(html("<div class=\"wide\">"));
        block.insertAfter(html("</div>"));
      }
      visitChildren(block);
    }

    @Override
    public void visit(FencedCodeBlock block) {
      String text = block.getLiteral();
      String code =
          block.getInfo().equals("mermaid")
              ? Diagram.svg(text)
              : "<pre><code>%s</code></pre>".formatted(Highlight.html(block.getInfo(), text));
      block.insertBefore(html(code));
      block.unlink();
    }

    private static HtmlBlock html(String text) {
      HtmlBlock block = new HtmlBlock();
      block.setLiteral(text);
      return block;
    }
  }
}
