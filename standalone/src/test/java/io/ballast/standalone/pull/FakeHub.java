package io.ballast.standalone.pull;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;

/**
 * A hub with the Hugging Face hub's layout over a folder: weights are redirected to {@code /cdn}
 * with their SHA-256 in X-Linked-ETag, other files answer at once with Git's checksum in ETag.
 */
final class FakeHub implements AutoCloseable {
  static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

  private final HttpServer server;
  private final Path folder;
  private final List<String> requests = new ArrayList<>();
  private final Map<String, Long> breaksOffAt = new ConcurrentHashMap<>();
  private final Map<String, String> lies = new ConcurrentHashMap<>();
  private final CountDownLatch closing = new CountDownLatch(1);
  private volatile String token = "";
  private volatile String cdn = "";
  private volatile String stalling = "";
  private volatile boolean tagged = true;
  private volatile String lastModified = "";

  FakeHub(Path folder) throws IOException {
    this.folder = folder;
    server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", this::answer);
    server.start();
  }

  URI address() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  /** Breaks one answer off after so many bytes, once. */
  void breakOff(String file, long after) {
    breaksOffAt.put(file, after);
  }

  /** Promises another checksum than the file has. */
  void promise(String file, String etag) {
    lies.put(file, etag);
  }

  /** Says nothing more of a file after its first half. */
  void stall(String file) {
    stalling = file;
  }

  /** Tells no ETag any more, but when files were changed; empty: nor that. */
  void dateFiles(String changed) {
    tagged = false;
    lastModified = changed;
  }

  /** Redirects to somebody else for the weights. */
  void redirectTo(URI other) {
    cdn = other.toString();
  }

  void requireToken(String wanted) {
    token = wanted;
  }

  /** What was asked for: method, path, and the range if there was one. */
  List<String> requests() {
    synchronized (requests) {
      return List.copyOf(requests);
    }
  }

  private void answer(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    String range = exchange.getRequestHeaders().getFirst("Range");
    String authorization = exchange.getRequestHeaders().getFirst("Authorization");
    synchronized (requests) {
      requests.add(exchange.getRequestMethod() + " " + path + (range == null ? "" : " " + range));
    }
    try (exchange) {
      if (!token.isEmpty() && !("Bearer " + token).equals(authorization)) {
        exchange.sendResponseHeaders(401, -1);
        return;
      }
      String name = path.substring(path.lastIndexOf('/') + 1);
      Path file = folder.resolve(path.replaceFirst("^/o/tiny/resolve/[^/]+/|^/cdn/", ""));
      boolean known =
          path.startsWith("/cdn/") || path.matches("/o/tiny/resolve/(main|" + COMMIT + ")/.*");
      if (!known || !Files.isRegularFile(file)) {
        exchange.sendResponseHeaders(404, -1);
        return;
      }
      byte[] bytes = Files.readAllBytes(file);
      exchange.getResponseHeaders().set("X-Repo-Commit", COMMIT);
      if (name.endsWith(".safetensors") && !path.startsWith("/cdn/")) {
        exchange
            .getResponseHeaders()
            .set("X-Linked-ETag", '"' + lies.getOrDefault(name, digest("SHA-256", bytes)) + '"');
        exchange.getResponseHeaders().set("Location", cdn + "/cdn/" + name);
        exchange.sendResponseHeaders(302, -1);
        return;
      }
      if (tagged) {
        exchange.getResponseHeaders().set("ETag", '"' + blob(bytes) + '"');
      }
      if (!lastModified.isEmpty()) {
        exchange.getResponseHeaders().set("Last-Modified", lastModified);
      }
      send(exchange, name, bytes, range);
    }
  }

  private void send(HttpExchange exchange, String name, byte[] bytes, String range)
      throws IOException {
    int from = 0;
    if (range != null) {
      from = Integer.parseInt(range.replaceAll("\\D", ""));
      if (from >= bytes.length) {
        exchange.sendResponseHeaders(416, -1);
        return;
      }
    }
    if (exchange.getRequestMethod().equals("HEAD")) {
      exchange.getResponseHeaders().set("Content-Length", Integer.toString(bytes.length));
      exchange.sendResponseHeaders(200, -1);
      return;
    }
    exchange.sendResponseHeaders(from > 0 ? 206 : 200, bytes.length - from);
    Long end = breaksOffAt.remove(name);
    try (OutputStream out = exchange.getResponseBody()) {
      if (name.equals(stalling)) {
        out.write(bytes, from, (bytes.length - from) / 2);
        out.flush();
        awaitClosing();
        return;
      }
      out.write(bytes, from, (end == null ? bytes.length : end.intValue()) - from);
      out.flush(); // a client that has seen no header asks again by itself
    }
  }

  private void awaitClosing() {
    try {
      closing.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static String blob(byte[] bytes) {
    byte[] head = ("blob " + bytes.length + "\0").getBytes(StandardCharsets.US_ASCII);
    byte[] all = new byte[head.length + bytes.length];
    System.arraycopy(head, 0, all, 0, head.length);
    System.arraycopy(bytes, 0, all, head.length, bytes.length);
    return digest("SHA-1", all);
  }

  private static String digest(String algorithm, byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    closing.countDown();
    server.stop(0);
  }
}
