package io.ballast.reward.grpc;

import com.google.protobuf.Duration;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.reward.component.Composite;
import io.ballast.reward.component.Part;
import io.ballast.reward.core.ComponentOutcome;
import io.ballast.reward.core.ComponentScore;
import io.ballast.reward.core.ComponentScore.Voices;
import io.ballast.reward.v1.RewardComponent;
import io.ballast.reward.v1.RewardComposite;

/** Translates what composites are made of, and what their components say. */
final class ComponentMapper {
  private ComponentMapper() {}

  static io.ballast.reward.v1.ComponentScore score(ComponentScore score) {
    io.ballast.reward.v1.ComponentScore.Builder built =
        io.ballast.reward.v1.ComponentScore.newBuilder()
            .setName(score.name())
            .setWeight(score.weight())
            .setDuration(
                Duration.newBuilder()
                    .setSeconds(score.time().toSeconds())
                    .setNanos(score.time().toNanosPart()));
    switch (score.outcome()) {
      case ComponentOutcome.Value value -> built.setValue(value.value()).setDetail(value.detail());
      case ComponentOutcome.Failed failed -> built.setFailure(MeshMessages.failure(failed.fault()));
    }
    score.voices().ifPresent(voices -> add(voices, built));
    return built.build();
  }

  private static void add(Voices voices, io.ballast.reward.v1.ComponentScore.Builder score) {
    for (int k = 0; k < voices.judgements().size(); k++) {
      score.addMembers(RewardMapper.member(voices.judgements().get(k), voices.members().get(k)));
    }
    voices.spread().ifPresent(score::setSpread);
    voices.cut().ifPresent(cut -> score.setPromptCut(MeshMessages.cut(cut)));
  }

  static RewardComposite composite(Composite composite) {
    RewardComposite.Builder built =
        RewardComposite.newBuilder()
            .setModelVersion(MeshMessages.version(composite.id()))
            .setRewardJson(composite.recipe().rewardJson());
    for (Part part : composite.recipe().parts()) {
      built.addComponents(
          RewardComponent.newBuilder()
              .setName(part.name())
              .setKind(part.kind().word())
              .setSettingsJson(part.settingsJson())
              .setWeight(part.weight()));
    }
    return built.build();
  }
}
