package io.ballast.standalone.experiment;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Claims for programs: {@code {"claims": [{"claim", "source", "value", "low", "high", "holds"}]}}.
 * Of one that could not be measured the numbers are null, and {@code "missing"} says why.
 */
final class ClaimsJson {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private ClaimsJson() {}

  static void write(List<Claim> claims, Path file) throws IOException {
    JSON.writeValue(file.toFile(), of(claims));
  }

  static ObjectNode of(List<Claim> claims) {
    ObjectNode root = JSON.createObjectNode();
    ArrayNode all = root.putArray("claims");
    for (Claim claim : claims) {
      ObjectNode one = all.addObject().put("claim", claim.claim()).put("source", claim.source());
      if (claim.measured()) {
        one.put("value", claim.value()).put("low", claim.low()).put("high", claim.high());
      } else {
        one.putNull("value").putNull("low").putNull("high");
      }
      one.put("holds", claim.holds());
      if (!claim.measured()) {
        one.put("missing", claim.missing());
      }
    }
    return root;
  }
}
