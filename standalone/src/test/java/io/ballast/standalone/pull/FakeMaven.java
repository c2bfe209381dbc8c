package io.ballast.standalone.pull;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;

/** A Maven repository of files in memory. */
public final class FakeMaven implements AutoCloseable {
  private final HttpServer server;
  private final Map<String, byte[]> files = new ConcurrentHashMap<>();
  private final Map<String, Integer> refused = new ConcurrentHashMap<>();
  private final Set<String> endless = ConcurrentHashMap.newKeySet();
  private final CountDownLatch closing = new CountDownLatch(1);
  private final List<String> requests = new ArrayList<>();

  /** Starts it, empty. */
  public FakeMaven() throws IOException {
    server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", this::answer);
    server.start();
  }

  /** Its address, with a path as many have. */
  public URI address() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/maven2/");
  }

  /** Has a file. */
  public FakeMaven put(String path, byte[] bytes) {
    files.put("/maven2/" + path, bytes);
    return this;
  }

  /** Has a file and its checksum, as Maven writes it. */
  public FakeMaven putWithChecksum(String path, byte[] bytes) {
    return put(path, bytes).put(path + ".sha1", sha1(bytes).getBytes(StandardCharsets.US_ASCII));
  }

  static String sha1(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-1").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Answers of a file with a status code, whatever it has. */
  FakeMaven refuse(String path, int status) {
    refused.put("/maven2/" + path, status);
    return this;
  }

  /** Has a file that says that it has gigabytes, and says nothing after its first 5,000 bytes. */
  FakeMaven putEndless(String path) {
    endless.add("/maven2/" + path);
    return this;
  }

  /** What was asked for: method and path. */
  List<String> requests() {
    synchronized (requests) {
      return List.copyOf(requests);
    }
  }

  private void answer(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    synchronized (requests) {
      requests.add(exchange.getRequestMethod() + " " + path);
    }
    try (exchange) {
      Integer status = refused.get(path);
      if (status != null) {
        exchange.sendResponseHeaders(status, -1);
        return;
      }
      if (endless.contains(path)) {
        exchange.getResponseHeaders().set("Content-Length", Long.toString(5L << 30));
        boolean head = exchange.getRequestMethod().equals("HEAD");
        exchange.sendResponseHeaders(200, head ? -1 : 5L << 30);
        if (!head) {
          exchange.getResponseBody().write(new byte[5_000]);
          exchange.getResponseBody().flush();
          awaitClosing();
        }
        return;
      }
      byte[] bytes = files.get(path);
      if (bytes == null) {
        exchange.sendResponseHeaders(404, -1);
        return;
      }
      // 40 hexadecimal digits, as some servers have it: of the bytes, not of Git's blob
      exchange.getResponseHeaders().set("ETag", '"' + sha1(bytes) + '"');
      if (exchange.getRequestMethod().equals("HEAD")) {
        exchange.getResponseHeaders().set("Content-Length", Integer.toString(bytes.length));
        exchange.sendResponseHeaders(200, -1);
        return;
      }
      exchange.sendResponseHeaders(200, bytes.length);
      exchange.getResponseBody().write(bytes);
    }
  }

  private void awaitClosing() {
    try {
      closing.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    closing.countDown();
    server.stop(0);
  }
}
