package io.ballast.policy;

import io.ballast.policy.testing.FakeModels;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.GetSuggestionRequest;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestionRecord;
import org.junit.jupiter.api.AfterEach;

/** Suggestions of a policy-server whose peers do what a test says. */
abstract class SuggestCase {
  static final String PROMPT = "int answer = ";

  final FakeModels models = new FakeModels();
  final TestMesh mesh = TestMesh.start(models);

  @AfterEach
  void stop() {
    mesh.close();
  }

  static SuggestRequest.Builder request() {
    return SuggestRequest.newBuilder().setPrompt(PROMPT);
  }

  SuggestionRecord recordOf(SuggestResponse answer) {
    return mesh.feedback()
        .getSuggestion(
            GetSuggestionRequest.newBuilder().setSuggestionId(answer.getSuggestionId()).build())
        .getSuggestion();
  }
}
