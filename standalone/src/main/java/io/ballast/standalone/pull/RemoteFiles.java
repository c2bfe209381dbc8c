package io.ballast.standalone.pull;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Files that a server has, by HTTP.
 *
 * <p>A download that broke off goes on where it stopped, as long as the file is the same by its
 * ETag or, where there is none, by the time of its last change and its length. Nothing takes a
 * file's name before its length is right, and its checksum as far as {@link #verify} knows one. A
 * token goes to the server only, not to where it redirects; another host is followed by https only.
 */
abstract class RemoteFiles {
  private static final int MOST_REDIRECTS = 5;
  private static final Set<Integer> ABSENT = Set.of(404);

  /** Stores answer this of what is not there to whoever may not list what is. */
  private static final Set<Integer> ABSENT_OR_HIDDEN = Set.of(404, 403);

  private final Duration patience;
  private final HttpClient http;
  private final URI server;
  private final String token;

  /**
   * Names a server.
   *
   * @param server its address, such as {@code https://hub.example}
   * @param token sent as a bearer token; empty: none
   * @param patience how long it may say nothing, before its answer and within it
   */
  RemoteFiles(URI server, String token, Duration patience) {
    this.patience = patience;
    this.http =
        HttpClient.newBuilder()
            .connectTimeout(patience)
            .followRedirects(HttpClient.Redirect.NEVER)
            .build();
    this.server = server;
    this.token = token;
  }

  /** What the server is to a person, such as "hub". */
  abstract String kind();

  /** How to mend an address that nobody answers at. */
  abstract String addressMend();

  /** What to do about a file that may not be read. */
  abstract String accessMend();

  /** The path of a file below the server's address, encoded. */
  abstract String path(String file);

  /** Takes note of what an answer says besides the file. */
  void told(HttpHeaders headers) {}

  /**
   * Compares a file that has come with its checksum.
   *
   * @param etag what the server calls this state of the file; empty: nothing
   * @throws PullException CHECKSUM if it differs
   */
  abstract void verify(String file, String etag, Path came, PullProgress progress)
      throws IOException, InterruptedException;

  /** What a server says of a file before its bytes come. */
  private record Answer(HttpResponse<InputStream> response, String etag) {
    /** The whole file's length in bytes; −1 if the server does not say. */
    long length() {
      return response.headers().firstValueAsLong("Content-Length").orElse(-1);
    }

    /**
     * What tells this state of the file from others: its ETag, or else when it was changed and its
     * length; empty if the server tells neither.
     */
    String state() {
      if (!etag.isEmpty()) {
        return etag;
      }
      return response
          .headers()
          .firstValue("Last-Modified")
          .filter(changed -> length() >= 0)
          .map(changed -> changed + ", " + length() + " bytes")
          .orElse("");
    }
  }

  /**
   * Whether there is such a file.
   *
   * @throws PullException if the server refuses
   */
  final boolean has(String file) throws IOException, InterruptedException {
    return ask(file, 0, "HEAD", ABSENT).isPresent();
  }

  /**
   * Brings a file.
   *
   * @param file its name there
   * @param target where to; what an earlier try left beside it is used
   * @return false if there is no such file
   * @throws PullException if the server refuses, or what came is not what it promised
   */
  public final boolean fetch(String file, Path target, PullProgress progress)
      throws IOException, InterruptedException {
    Path part = target.resolveSibling(target.getFileName() + ".part");
    Path tag = target.resolveSibling(target.getFileName() + ".etag");
    Optional<Answer> first = ask(file, 0, "HEAD", ABSENT);
    if (first.isEmpty()) {
      return absent(target, part, tag);
    }
    String state = first.get().state();
    boolean same = !state.isEmpty() && Files.exists(tag) && Files.readString(tag).equals(state);
    if (same && Files.exists(target)) {
      return true;
    }
    if (!same) {
      Files.deleteIfExists(target);
      Files.deleteIfExists(part);
      Files.writeString(tag, state);
    }
    long have = Files.exists(part) ? Files.size(part) : 0;
    if (have == 0 || first.get().length() != have) {
      Optional<Answer> second = ask(file, have, "GET", ABSENT);
      if (second.isEmpty()) {
        return absent(target, part, tag);
      }
      receive(file, second.get(), part, have, !state.isEmpty(), progress);
    }
    verify(file, first.get().etag(), part, progress);
    Files.move(part, target, StandardCopyOption.REPLACE_EXISTING);
    return true;
  }

  /**
   * Reads a small file.
   *
   * @param most its greatest length in bytes; no more of it is read than one more
   * @return empty if there is no such file, or it may not be seen
   * @throws PullException TOO_LONG, or if the server refuses
   */
  final Optional<byte[]> small(String file, int most) throws IOException, InterruptedException {
    Optional<Answer> answer = ask(file, 0, "GET", ABSENT_OR_HIDDEN);
    if (answer.isEmpty()) {
      return Optional.empty();
    }
    byte[] bytes;
    try (StallGuard in = new StallGuard(answer.get().response().body(), patience)) {
      bytes = in.readNBytes(most + 1);
    } catch (IOException e) {
      throw brokeOff(file, 0, answer.get().length(), false);
    }
    if (bytes.length > most) {
      throw new PullException("TOO_LONG", "%s: over %,d bytes".formatted(file, most));
    }
    return Optional.of(bytes);
  }

  /** What an earlier try brought is of another commit, which had the file. */
  private static boolean absent(Path... earlier) throws IOException {
    for (Path file : earlier) {
      Files.deleteIfExists(file);
    }
    return false;
  }

  /**
   * Takes what comes of a file.
   *
   * @param have how much of it is there, in bytes
   * @param kept whether another try will use what came, if not all does
   */
  private void receive(
      String file, Answer answer, Path part, long have, boolean kept, PullProgress progress)
      throws IOException {
    HttpResponse<InputStream> response = answer.response();
    boolean goesOn = response.statusCode() == 206;
    long start = goesOn ? have : 0;
    long toCome = answer.length();
    long all = toCome < 0 ? -1 : start + toCome;
    DiskRoom.require(file, toCome, part);
    long done = start;
    try (StallGuard in = new StallGuard(response.body(), patience);
        OutputStream out =
            Files.newOutputStream(
                part,
                StandardOpenOption.CREATE,
                StandardOpenOption.WRITE,
                goesOn ? StandardOpenOption.APPEND : StandardOpenOption.TRUNCATE_EXISTING)) {
      byte[] buffer = new byte[1 << 16];
      while (true) {
        int read;
        try {
          read = in.read(buffer);
        } catch (IOException e) {
          throw brokeOff(file, done, all, kept);
        }
        if (read < 0) {
          break;
        }
        out.write(buffer, 0, read);
        done += read;
        progress.at(file, all <= 0 ? 0 : (double) done / all);
      }
    }
    if (all >= 0 && done != all) {
      throw brokeOff(file, done, all, kept);
    }
  }

  private PullException brokeOff(String file, long done, long all, boolean kept) {
    return new PullException(
        "BROKE_OFF",
        file
            + ": the connection to "
            + server.getHost()
            + " broke off after "
            + done
            + (all < 0 ? "" : " of " + all)
            + " bytes; the same command again "
            + (kept ? "goes on from there" : "starts this file anew"));
  }

  /** Returns a checksum of a file with something before it, lower-case hexadecimal. */
  static String digest(String algorithm, Path file, String before) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      MessageDigest digest = MessageDigest.getInstance(algorithm);
      digest.update(before.getBytes(StandardCharsets.US_ASCII));
      byte[] buffer = new byte[1 << 16];
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        digest.update(buffer, 0, read);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has " + algorithm, e);
    }
  }

  /**
   * Asks for a file from byte {@code from} on, and follows where the server points.
   *
   * @param absent the status codes that say that there is no such file
   * @return empty if there is none
   */
  private Optional<Answer> ask(String file, long from, String method, Set<Integer> absent)
      throws IOException, InterruptedException {
    URI at = URI.create(server.toString().replaceFirst("/+$", "") + "/" + path(file));
    String etag = "";
    for (int hop = 0; hop <= MOST_REDIRECTS; hop++) {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(at)
              .timeout(patience)
              .header("User-Agent", "ballast")
              .method(method, HttpRequest.BodyPublishers.noBody());
      if (from > 0) {
        request.header("Range", "bytes=" + from + "-");
      }
      authorization(at).ifPresent(value -> request.header("Authorization", value));
      HttpResponse<InputStream> response = send(request.build());
      told(response.headers());
      if (etag.isEmpty()) {
        etag = unquoted(response.headers().firstValue("X-Linked-ETag").orElse(""));
      }
      int status = response.statusCode();
      if (status == 200 || status == 206) {
        String own = unquoted(response.headers().firstValue("ETag").orElse(""));
        if (method.equals("HEAD")) {
          response.body().close();
        }
        return Optional.of(new Answer(response, etag.isEmpty() ? own : etag));
      }
      response.body().close();
      Optional<String> location = response.headers().firstValue("Location");
      if (absent.contains(status)) {
        return Optional.empty();
      }
      if (status == 416 && from > 0) { // what is here is longer than the file: from the start, then
        return ask(file, 0, method, absent);
      }
      if (status / 100 != 3 || location.isEmpty()) {
        throw refused(file, status);
      }
      at = at.resolve(location.get());
      if (!"https".equals(at.getScheme()) && !origin(at).equals(origin(server))) {
        throw new PullException(
            "REDIRECT",
            file + ": the " + kind() + " points to " + origin(at) + ", which is not https");
      }
    }
    throw new PullException("REDIRECT", file + ": more than " + MOST_REDIRECTS + " redirects");
  }

  /** What is told of who asks; nothing where the server redirects to. */
  Optional<String> authorization(URI at) {
    return token.isEmpty() || !origin(at).equals(origin(server))
        ? Optional.empty()
        : Optional.of("Bearer " + token);
  }

  private HttpResponse<InputStream> send(HttpRequest request)
      throws IOException, InterruptedException {
    try {
      return http.send(request, HttpResponse.BodyHandlers.ofInputStream());
    } catch (IOException e) {
      throw new PullException(
          "UNREACHABLE",
          "no answer from "
              + origin(request.uri())
              + " ("
              + e.getClass().getSimpleName()
              + "); is the "
              + kind()
              + "'s address right? "
              + addressMend());
    }
  }

  private PullException refused(String file, int status) {
    if (status == 401 || status == 403) {
      return new PullException(
          "NOT_ALLOWED",
          file
              + ": "
              + origin(server)
              + " answers "
              + status
              + "; it is private or does not exist: "
              + accessMend());
    }
    return new PullException("SERVER_ERROR", file + ": " + origin(server) + " answers " + status);
  }

  private static String origin(URI uri) {
    return uri.getScheme() + "://" + uri.getAuthority();
  }

  private static String unquoted(String etag) {
    return etag.replaceFirst("^W/", "").replace("\"", "");
  }

  /** Encodes a part of a path. */
  static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  /** Encodes the parts of a path between its slashes. */
  static String encodedPath(String file) {
    return Arrays.stream(file.split("/"))
        .map(RemoteFiles::encoded)
        .collect(Collectors.joining("/"));
  }
}
