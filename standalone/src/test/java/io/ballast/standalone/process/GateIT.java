package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Duration;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.policy.v1.Accepted;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.Edited;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.GateMode;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.Rejected;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.grpc.Channel;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A gate is made of what people did in this very mesh, serves, and its decisions and those of the
 * gate before it can be taken again.
 */
class GateIT {
  private static final int USERS = 6;
  private static final int EACH = 30;

  @TempDir private Path data = Path.of(".");

  @Test
  void aGateOfTheMeshsOwnFeedbackServesAndEveryDecisionIsReplayed() throws Exception {
    String before;
    try (BuiltMesh mesh = BuiltMesh.start(data, Map.of())) {
      before = suggestionsWithFeedback(mesh.channel());
      String target = "127.0.0.1:" + mesh.port();

      assertThat(BuiltCommand.run(data, "gate", "replay", before, "--target", target))
          .contains("stage 1: ", "stage 2: ", "  log-odds", "replayed: the same, bit by bit");
      String times = BuiltCommand.run(data, "gate", "times", "--target", target);
      assertThat(times)
          .contains("ballast.safety.utility.default.verification=PT2.000S")
          .containsPattern("utility\\.default\\.editing=PT[0-9.]+S");
      assertThat(
              BuiltCommand.run(
                  data,
                  "gate",
                  "train",
                  "--name",
                  "own",
                  "--data",
                  data.toString(),
                  "--target",
                  target))
          .contains("own-context/1", "own-suggestion/1");
      assertThat(BuiltCommand.run(data, "gate", "drift", "--alpha", "1e-9", "--target", target))
          .contains("default");
    }

    Map<String, String> own =
        Map.of(
            "ballast.safety.context-gate", "own-context",
            "ballast.safety.suggestion-gate", "own-suggestion",
            "ballast.safety.utility.default.verification", "PT2S",
            "ballast.safety.utility.default.writing", "PT9S");
    try (BuiltMesh mesh = BuiltMesh.start(data, own)) {
      SuggestResponse now = suggest(mesh.channel(), "user-1", prompt(1, 999));
      String target = "127.0.0.1:" + mesh.port();

      assertThat(now.getStageOne().getModelVersion().getModel()).isEqualTo("own-context");
      assertThat(now.getStageOne().getFeatureVersion()).isEqualTo(2);
      for (String decision : List.of(before, now.getSuggestionId())) {
        assertThat(BuiltCommand.run(data, "gate", "replay", decision, "--target", target))
            .contains("replayed: the same, bit by bit");
      }
    }
  }

  /** Short ones are taken, long ones are not, by most; some change them. Returns the last shown. */
  private static String suggestionsWithFeedback(Channel channel) {
    String last = "";
    for (int user = 0; user < USERS; user++) {
      for (int index = 0; index < EACH; index++) {
        SuggestResponse suggested = suggest(channel, "user-" + user, prompt(user, index));
        if (suggested.getDecision() != Decision.DECISION_SHOW || suggested.getText().isEmpty()) {
          continue; // nobody saw it
        }
        last = suggested.getSuggestionId();
        FeedbackEvent.Builder event =
            FeedbackEvent.newBuilder()
                .setSuggestionId(last)
                .setVerificationDuration(Duration.newBuilder().setSeconds(1 + user % 2 * 2));
        if (suggested.getText().length() > 12 != (index % 5 == 0)) {
          event.setRejected(Rejected.getDefaultInstance());
        } else if (index % 3 == 0) {
          event.setEdited(
              Edited.newBuilder()
                  .setKeptCharacters(1)
                  .setEditDuration(Duration.newBuilder().setSeconds(1)));
        } else {
          event.setAccepted(Accepted.getDefaultInstance());
        }
        var unused =
            FeedbackServiceGrpc.newBlockingStub(channel)
                .withDeadlineAfter(60, TimeUnit.SECONDS)
                .recordFeedback(
                    RecordFeedbackRequest.newBuilder()
                        .setMetadata(RequestMetadata.newBuilder().setIdempotencyKey(last))
                        .setEvent(event)
                        .build());
      }
    }
    return last;
  }

  private static String prompt(int user, int index) {
    return "class A%d {\n  int f%d(int a, int b) {\n    int c = a * %d;\n    return "
        .formatted(user, index, index + 3);
  }

  private static SuggestResponse suggest(Channel channel, String user, String prompt) {
    return PolicyServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(60, TimeUnit.SECONDS)
        .suggest(
            SuggestRequest.newBuilder()
                .setPrompt(prompt)
                .setUser(user)
                .setSampling(SamplingOptions.newBuilder().setSeed(prompt.hashCode()))
                .setGateMode(GateMode.GATE_MODE_SHADOW)
                .setWithReward(true)
                .build());
  }
}
