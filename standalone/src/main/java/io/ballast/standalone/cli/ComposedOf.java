package io.ballast.standalone.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.reward.v1.ListRewardModelsResponse;
import io.ballast.reward.v1.RewardComponent;
import java.util.List;

/** Which ensembles a composite asks, so that they can be examined in its place. */
final class ComposedOf {
  private static final String LEARNED = "learned";
  private static final ObjectMapper JSON = new ObjectMapper();

  private ComposedOf() {}

  /** Says that a composite is not examined, and what to examine. */
  static CommandFailure refusal(ModelVersion composite, ListRewardModelsResponse models) {
    List<String> commands =
        models.getCompositesList().stream()
            .filter(each -> each.getModelVersion().equals(composite))
            .flatMap(each -> each.getComponentsList().stream())
            .filter(component -> component.getKind().equals(LEARNED))
            .map(ComposedOf::command)
            .distinct()
            .toList();
    return new CommandFailure(
        Exit.USAGE,
        "COMPOSITE",
        ModelOptions.text(composite)
            + (commands.isEmpty()
                ? " is a composite that asks no ensemble: there are no members' scores to examine"
                : " is a composite: examine the ensembles that it asks, "
                    + String.join("; ", commands)));
  }

  private static String command(RewardComponent component) {
    try {
      JsonNode settings = JSON.readTree(component.getSettingsJson());
      return "./mesh doctor reward --model %s --version-id %s"
          .formatted(settings.path("model").asText(), settings.path("version").asText());
    } catch (JsonProcessingException e) {
      throw new CommandFailure(
          Exit.FAILED,
          "BROKEN_ANSWER",
          "settings_json of '%s': no JSON: %s"
              .formatted(component.getName(), e.getOriginalMessage()));
    }
  }
}
