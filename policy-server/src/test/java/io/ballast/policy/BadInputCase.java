package io.ballast.policy;

import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.Rejected;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestStreamRequest;
import org.junit.jupiter.api.AfterEach;

/** A policy-server, and requests to it of which all is right that a test does not set. */
abstract class BadInputCase {
  final TestMesh mesh = TestMesh.start();

  @AfterEach
  void stop() {
    mesh.close();
  }

  void stream(SuggestRequest.Builder request) {
    mesh.policy()
        .suggestStream(SuggestStreamRequest.newBuilder().setRequest(request).build())
        .forEachRemaining(event -> {});
  }

  static FeedbackEvent.Builder event() {
    return FeedbackEvent.newBuilder()
        .setSuggestionId("019ab5f4-7a00-7000-8000-000000000000")
        .setRejected(Rejected.getDefaultInstance());
  }

  static SuggestRequest.Builder request() {
    return SuggestRequest.newBuilder().setPrompt("int a = ");
  }

  static TextOrTokens text(String text) {
    return TextOrTokens.newBuilder().setText(text).build();
  }
}
