package io.ballast.safety.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.safety.core.gatefit.TrainedOn;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;

/** Whose decisions made a gate, beside its trees: {@code {"until": TIME, "users": [DIGEST, …]}}. */
public final class TrainedOnFile {
  private static final String NAME = "trained_on.json";
  private static final ObjectMapper JSON = new ObjectMapper();

  private TrainedOnFile() {}

  /** Writes it into a gate's folder, before its manifest. */
  public static void write(Path folder, TrainedOn trained) throws IOException {
    ObjectNode json = JSON.createObjectNode().put("until", trained.until().toString());
    trained.users().stream().sorted().forEach(json.putArray("users")::add);
    Files.writeString(
        folder.resolve(NAME),
        JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n");
  }

  /**
   * Reads it; empty if the folder does not say.
   *
   * @throws IOException if it is not what it should be
   */
  public static Optional<TrainedOn> read(Path folder) throws IOException {
    Path file = folder.resolve(NAME);
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    JsonNode json = JSON.readTree(file.toFile());
    Set<String> users = new LinkedHashSet<>();
    json.path("users").forEach(user -> users.add(user.asText()));
    try {
      return Optional.of(new TrainedOn(users, Instant.parse(json.path("until").asText())));
    } catch (DateTimeException e) {
      throw new IOException(
          "%s: until: %s (expected: a time)".formatted(file, json.path("until")), e);
    }
  }
}
