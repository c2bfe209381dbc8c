package io.ballast.orchestrator.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.orchestrator.core.data.BadRow;
import io.ballast.orchestrator.core.data.ReadSource;
import java.util.ArrayList;
import java.util.List;

/** Where the prompts of a run came from, as JSON. */
final class SourceJson {
  private SourceJson() {}

  static String write(List<ReadSource> sources) {
    ArrayNode json = StateJson.MAPPER.createArrayNode();
    for (ReadSource source : sources) {
      ObjectNode each =
          json.addObject()
              .put("name", source.name().replace('\0', ' '))
              .put("count", source.count())
              .put("bad_count", source.badCount());
      ArrayNode bad = each.putArray("bad");
      source
          .bad()
          .forEach(row -> bad.addObject().put("row", row.row()).put("reason", row.reason()));
    }
    return json.toString();
  }

  /** None of a run from before there could be several. */
  static List<ReadSource> read(String text) {
    List<ReadSource> sources = new ArrayList<>();
    for (JsonNode json : StateJson.read(text)) {
      List<BadRow> bad = new ArrayList<>();
      json.path("bad")
          .forEach(
              row -> bad.add(new BadRow(row.path("row").asLong(), row.path("reason").asText())));
      sources.add(
          new ReadSource(
              json.path("name").asText(),
              json.path("count").asInt(),
              json.path("bad_count").asLong(),
              bad));
    }
    return sources;
  }
}
