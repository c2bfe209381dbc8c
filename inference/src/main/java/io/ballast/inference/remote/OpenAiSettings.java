package io.ballast.inference.remote;

import java.net.URI;
import java.time.Duration;
import java.util.Optional;

/**
 * Where an OpenAI-compatible server is and what it serves.
 *
 * @param base such as {@code http://127.0.0.1:8000} or {@code https://host/prefix}; what the
 *     protocol adds to it begins with {@code /v1}
 * @param model the name by which the server knows it
 * @param bearerToken what the server demands, visible ASCII; empty: nothing
 * @param contextTokens the server's limit of prompt and completion together, ≥ 2
 * @param deadline how long a completion may take
 */
public record OpenAiSettings(
    URI base, String model, Optional<String> bearerToken, int contextTokens, Duration deadline) {
  public OpenAiSettings {
    boolean web = "http".equals(base.getScheme()) || "https".equals(base.getScheme());
    boolean bare = base.getRawQuery() == null && base.getRawFragment() == null;
    require(web && base.getHost() != null && bare, "base: " + base, "http://host:port or https");
    require(!path(base).endsWith("/v1"), "base: " + base, "what stands before /v1");
    require(!model.isBlank(), "model: '" + model + "'", "a name");
    require(
        bearerToken.map(OpenAiSettings::fitsHeader).orElse(true),
        "bearer_token: not shown", // nor by the HTTP client, which quotes what it refuses
        "visible ASCII characters");
    require(contextTokens >= 2, "context_tokens: " + contextTokens, "≥ 2");
    require(deadline.isPositive(), "deadline: " + deadline, "> 0");
  }

  /** Returns the address of something below the base, such as {@code v1/completions}. */
  URI at(String path) {
    return URI.create(base.getScheme() + "://" + base.getRawAuthority() + path(base) + "/" + path);
  }

  /** The path without slashes at its end. */
  private static String path(URI base) {
    return base.getRawPath() == null ? "" : base.getRawPath().replaceAll("/+$", "");
  }

  /** Says nothing of the token but that there is one. */
  @Override
  public String toString() {
    return "OpenAiSettings[base=%s, model=%s, bearerToken=%s, contextTokens=%d, deadline=%s]"
        .formatted(
            base, model, bearerToken.isPresent() ? "given" : "none", contextTokens, deadline);
  }

  private static boolean fitsHeader(String token) {
    return !token.isEmpty() && token.chars().allMatch(c -> c > ' ' && c < 127);
  }

  private static void require(boolean holds, String found, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(found + " (expected: " + expected + ")");
    }
  }
}
