package io.ballast.safety.grpc;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.scoring.Content;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.safety.core.cost.Cost;
import io.ballast.safety.core.cost.CostAnswer;
import io.ballast.safety.core.cost.CostCommand;
import io.ballast.safety.core.cost.JudgedItem;
import io.ballast.safety.v1.CostItem;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.CostResponse;
import io.ballast.safety.v1.CostResult;
import io.ballast.safety.v1.CostValue;
import io.ballast.safety.v1.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/** Translates costs. */
final class CostMapper {
  private final CallContexts contexts;

  CostMapper(CallContexts contexts) {
    this.contexts = contexts;
  }

  CostCommand command(CostRequest request) {
    List<io.ballast.safety.core.cost.CostItem> items = new ArrayList<>(request.getItemsCount());
    for (int i = 0; i < request.getItemsCount(); i++) {
      CostItem item = request.getItems(i);
      items.add(
          new io.ballast.safety.core.cost.CostItem(
              item.getItemId(),
              "items[" + i + "]",
              content(item.getPrompt()),
              content(item.getCompletion())));
    }
    return new CostCommand(
        contexts.caller(request.getMetadata()).lane(),
        MeshMessages.selector(request.getCostModel()),
        MeshMessages.truncation(request.getTruncation()),
        items,
        request.hasThreshold()
            ? OptionalDouble.of(request.getThreshold())
            : OptionalDouble.empty());
  }

  private static Content content(TextOrTokens content) {
    return switch (content.getContentCase()) {
      case TEXT -> new Content.Text(content.getText());
      case TOKENS ->
          new Content.Tokens(
              TokenIds.of(
                  content.getTokens().getTokenIdsList().stream()
                      .mapToInt(Integer::intValue)
                      .toArray()));
      case CONTENT_NOT_SET -> new Content.Absent();
    };
  }

  static CostResponse response(CostAnswer answer) {
    CostResponse.Builder response =
        CostResponse.newBuilder()
            .setThreshold(answer.threshold())
            .setModelVersion(MeshMessages.version(answer.model().id()))
            .setTiming(MeshMessages.timing(answer.times()));
    answer.items().forEach(item -> response.addResults(result(item)));
    return response.build();
  }

  private static CostResult result(JudgedItem item) {
    CostResult.Builder result =
        CostResult.newBuilder()
            .setItemId(item.itemId())
            .setVerdict(item.blocked() ? Verdict.VERDICT_BLOCK : Verdict.VERDICT_ALLOW);
    item.cut().ifPresent(cut -> result.setPromptCut(MeshMessages.cut(cut)));
    switch (item.cost()) {
      case Cost.Estimated estimated ->
          result.setValue(
              CostValue.newBuilder()
                  .setScore(estimated.score())
                  .setHarmProbability(estimated.harmProbability())
                  .addAllHeadScores(estimated.headScores()));
      case Cost.Missing missing -> result.setFailure(MeshMessages.failure(missing.fault()));
    }
    return result.build();
  }
}
