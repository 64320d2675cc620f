package io.github.jbatchnorm.site;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Serves a folder to this machine alone, as a web server would. */
final class Pages implements AutoCloseable {
  private static final Map<String, String> TYPES =
      Map.of(
          "html", "text/html; charset=utf-8",
          "css", "text/css",
          "js", "text/javascript",
          "svg", "image/svg+xml",
          "png", "image/png");

  private final HttpServer server;
  private final ExecutorService threads = Executors.newFixedThreadPool(4);

  Pages(Path folder) throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext(
        "/",
        exchange -> {
          Path file = folder.resolve(exchange.getRequestURI().getPath().substring(1)).normalize();
          boolean found = file.startsWith(folder) && Files.isRegularFile(file);
          String name = Objects.requireNonNull(file.getFileName()).toString();
          String type = TYPES.get(name.substring(name.lastIndexOf('.') + 1));
          byte[] body = found ? Files.readAllBytes(file) : new byte[0];
          if (type != null) {
            exchange.getResponseHeaders().set("Content-Type", type);
          }
          if (!name.endsWith(".html")) {
            exchange.getResponseHeaders().set("Cache-Control", "max-age=600");
          }
          exchange.sendResponseHeaders(found ? 200 : 404, body.length == 0 ? -1 : body.length);
          try (var out = exchange.getResponseBody()) {
            out.write(body);
          }
        });
    server.start();
  }

  String address() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/";
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
