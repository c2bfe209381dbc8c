package io.ballast.kit.audit;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.kit.security.Principal;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Acts as the contents of entries, with the fields that the database writes, in their order. */
final class ActJson {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final DateTimeFormatter AT =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSS'Z'", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  private ActJson() {}

  /**
   * Who did an act.
   *
   * @param principal as the edge knows them
   * @param behalf for whom the server acts that is the principal; empty: nobody is known
   */
  record By(Principal principal, String behalf) {
    /** What the server does by itself. */
    static final By ITSELF = new By(Principal.ITSELF, "");
  }

  /** An act as the content of an entry. */
  static String of(long sequence, Instant at, Act act, By by) {
    ObjectNode content =
        JsonNodeFactory.instance
            .objectNode()
            .put("sequence", sequence)
            .put("at", AT.format(at))
            .put("action", act.action())
            .put("tenant", act.tenant())
            .put("actor", act.actor())
            .put("principal", by.principal().name())
            .put("proof", by.principal().proof().label())
            .put("on_behalf_of", by.behalf())
            .put("subject", act.subject())
            .put("request_id", act.requestId());
    ObjectNode details = content.putObject("details");
    new TreeMap<>(act.details()).forEach(details::put);
    try {
      return JSON.writeValueAsString(content);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree can be written", e);
    }
  }

  /** What an entry tells; empty if that is no JSON. */
  static Optional<Act> read(AuditEntry entry) {
    try {
      JsonNode content = JSON.readTree(entry.content());
      Map<String, String> details = new TreeMap<>();
      content
          .path("details")
          .properties()
          .forEach(each -> details.put(each.getKey(), each.getValue().asText()));
      return Optional.of(
          new Act(
              content.path("action").asText(),
              content.path("tenant").asText(),
              content.path("actor").asText(),
              content.path("subject").asText(),
              content.path("request_id").asText(),
              details));
    } catch (JsonProcessingException e) { // somebody altered it
      return Optional.empty();
    }
  }
}
