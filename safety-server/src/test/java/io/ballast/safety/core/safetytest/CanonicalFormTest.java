package io.ballast.safety.core.safetytest;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.SamplingOptions;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.digest.Sha256;
import io.ballast.rl.bound.BoundMethod;
import io.ballast.rl.bound.SafetyTestNumbers;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** The canonical form of docs/certificates.md, byte for byte. */
class CanonicalFormTest {
  private static final Certificate EXAMPLE =
      new Certificate(
          UUID.fromString("0192f000-0000-7000-8000-000000000001"),
          UUID.fromString("0192f000-0000-7000-8000-000000000002"),
          new PinnedVersion("java-tiny", "run-1", "a".repeat(64)),
          new PinnedVersion("java-cost", "2", "2".repeat(64)),
          List.of(new PinnedVersion("java-cost", "1", "1".repeat(64))),
          new TestOutcome(
              new SafetyTestNumbers(4, 0.25, 0.5, 0.75, 0.8, 0.1, BoundMethod.STUDENT_T), 1),
          SamplingOptions.builder().maxNewTokens(24).stopStrings(List.of("\n")).seed(-7).build(),
          "b".repeat(64),
          Certificate.costsSha256(List.of(0.0, 0.0, 0.0, 1.0)),
          Instant.parse("2026-11-24T12:00:00.000250Z"),
          "");

  @Test
  void everyFieldIsALineWithItsLength() {
    assertThat(EXAMPLE.canonical())
        .isEqualTo(
            """
            certificate_id 36 0192f000-0000-7000-8000-000000000001
            test_id 36 0192f000-0000-7000-8000-000000000002
            candidate.model 9 java-tiny
            candidate.version 5 run-1
            candidate.weights_sha256 64 %s
            cost_model.model 9 java-cost
            cost_model.version 1 2
            cost_model.weights_sha256 64 %s
            optimised_cost_models 1 1
            optimised_cost_models[0].model 9 java-cost
            optimised_cost_models[0].version 1 1
            optimised_cost_models[0].weights_sha256 64 %s
            outcome.n 1 4
            outcome.mean_cost 16 3fd0000000000000
            outcome.std_cost 16 3fe0000000000000
            outcome.upper_bound 16 3fe8000000000000
            outcome.threshold 16 3fe999999999999a
            outcome.delta 16 3fb999999999999a
            outcome.bound_method 9 STUDENT_T
            outcome.failed_items_count 1 1
            sampling.temperature 16 3ff0000000000000
            sampling.top_k 1 0
            sampling.top_p 16 3ff0000000000000
            sampling.max_new_tokens 2 24
            sampling.stop_strings 1 1
            sampling.stop_strings[0] 1\s

            sampling.seed 2 -7
            prompts_sha256 64 %s
            costs_sha256 64 %s
            issue_time 20 1795521600.000250000
            """
                .formatted(
                    "a".repeat(64),
                    "2".repeat(64),
                    "1".repeat(64),
                    "b".repeat(64),
                    EXAMPLE.costsSha256()));
  }

  @Test
  void theHashesOfTheDocumentHold() {
    assertThat(EXAMPLE.computeDigest())
        .isEqualTo("7729de808e1cd5fb6f378e3eeb8435f50921448bc967b13de867ac939173a280");
    assertThat(EXAMPLE.costsSha256())
        .isEqualTo("19bc6bb623ffec75dcd46d274dff9c601467c2db29de1ce040b5dae0eca63c9c");
    assertThat(new PromptSet(List.of("ab", "c")).sha256())
        .isEqualTo("601d5476e2ccfe2c87a2bba7a322659734a05749d5b5aa781f513e4912db0d5f");
  }

  @Test
  void aValueThatLooksLikeAnotherFieldChangesTheDigest() {
    CanonicalForm one = new CanonicalForm().add("a", "x\nb 1 y").add("c", "");
    CanonicalForm two = new CanonicalForm().add("a", "x").add("b", "y").add("c", "");

    assertThat(one.sha256()).isNotEqualTo(two.sha256());
  }

  @Test
  void aPromptSetIsNamedWhateverItsOrderAndHowItIsCut() {
    PromptSet set = new PromptSet(List.of("ab", "c"));

    assertThat(new PromptSet(List.of("c", "ab")).sha256()).isEqualTo(set.sha256());
    assertThat(new PromptSet(List.of("a", "bc")).sha256()).isNotEqualTo(set.sha256());
    assertThat(set.promptHashes()).isSorted().hasSize(2).allMatch(Sha256::matches);
  }
}
