package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.format.DateTimeParseException;
import java.util.Optional;

/**
 * What a process says of itself over HTTP.
 *
 * @param ready what {@code /q/health/ready} says of the servers: {@code status}, and {@code data}
 * @param ahead how far its clock is ahead of this machine's, to half the time that the answer took;
 *     empty if it does not say
 */
record ServerReading(JsonNode ready, ScrapedMetrics metrics, Optional<Duration> ahead) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * Reads it.
   *
   * @param http {@code host:port}
   * @throws IOException if nobody answers there as a mesh does
   */
  static ServerReading of(HttpClient client, String http, Duration timeout, InstantSource clock)
      throws IOException {
    HttpResponse<String> metrics = get(client, http, "/q/metrics", timeout);
    if (metrics.statusCode() != HttpURLConnection.HTTP_OK) {
      throw new IOException("/q/metrics of %s answers %d".formatted(http, metrics.statusCode()));
    }
    Instant asked = clock.instant(); // on the connection that is made: the time shows the clock
    HttpResponse<String> health = get(client, http, "/q/health/ready", timeout);
    Instant answered = clock.instant();
    JsonNode ready = JSON.readTree(health.body()).at("/checks/0");
    if (ready.isMissingNode()) {
      throw new IOException("/q/health/ready of " + http + " says nothing of a mesh");
    }
    Instant middle = asked.plus(Duration.between(asked, answered).dividedBy(2));
    return new ServerReading(
        ready,
        ScrapedMetrics.parse(metrics.body()),
        time(ready).map(server -> Duration.between(middle, server)));
  }

  private static HttpResponse<String> get(
      HttpClient client, String http, String path, Duration timeout) throws IOException {
    HttpRequest request;
    try {
      request =
          HttpRequest.newBuilder(URI.create("http://" + http + path)).timeout(timeout).build();
    } catch (IllegalArgumentException e) {
      throw new IOException(http + " is no host and port", e);
    }
    try {
      return client.send(request, BodyHandlers.ofString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  private static Optional<Instant> time(JsonNode ready) {
    try {
      return Optional.of(Instant.parse(ready.at("/data/time").asText()));
    } catch (DateTimeParseException e) {
      return Optional.empty();
    }
  }
}
