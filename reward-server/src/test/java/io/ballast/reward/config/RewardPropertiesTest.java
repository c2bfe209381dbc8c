package io.ballast.reward.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.triton.ScoringPlace;
import io.ballast.kit.batching.QueueLimits;
import io.ballast.kit.shadow.ShadowTarget;
import io.ballast.reward.core.ItemLimits;
import io.ballast.reward.core.QuorumRule;
import io.ballast.reward.core.RewardSettings;
import io.ballast.reward.testing.TestReward;
import io.ballast.rl.aggregation.AggregationMethod;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every property has a default, reaches its field, and is refused out of its range by name. */
class RewardPropertiesTest {
  @Test
  void defaults() {
    assertThat(TestReward.config(Map.of()))
        .isEqualTo(
            new RewardConfig(
                new RewardSettings(
                    "java-reward",
                    "1",
                    AggregationMethod.WORST_CASE,
                    0.5,
                    0.25,
                    List.of(AggregationMethod.values()),
                    0,
                    true,
                    Map.of(),
                    Duration.ofSeconds(60),
                    Duration.ofMillis(20)),
                new ItemLimits(4_096, 65_536, 96),
                new QueueLimits(
                    512,
                    Duration.ofMillis(1),
                    2_000_000,
                    Runtime.getRuntime().availableProcessors(),
                    1),
                64L << 20,
                1,
                new ScoringPlace(
                    List.of(),
                    List.of(),
                    Map.of(),
                    false,
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Duration.ofSeconds(10),
                    8,
                    4_096),
                new ComponentConfig(Map.of(), Optional.empty()),
                Optional.empty(),
                Optional.empty()));
  }

  @Test
  void everyPropertyReachesItsField() {
    Map<String, String> all = new HashMap<>();
    all.put("default-model", "other");
    all.put("serving-version", "7");
    all.put("aggregation", "MEAN");
    all.put("uwo-lambda", "0.1");
    all.put("quantile", "0.4");
    all.put("allowed-aggregations", "MEDIAN,MEAN,MEDIAN");
    all.put("quorum", "3");
    all.put("serving-file", "serving");
    all.put("shadow", "java-reward/2@0.5");
    all.put("worst-case-needs-all", "false");
    all.put("ensembles.other.quorum", "4");
    all.put("ensembles.\"an.other\".worst-case-needs-all", "true");
    all.put("model-timeout", "PT1S");
    all.put("deadline-reserve", "PT2S");
    all.put("max-items", "5");
    all.put("max-text-bytes", "6");
    all.put("max-prompt-tokens", "8");
    all.put("batch-tokens", "9");
    all.put("batch-wait", "PT3S");
    all.put("queued-tokens", "10");
    all.put("workers", "11");
    all.put("interactive-workers", "17");
    all.put("threads", "12");
    all.put("cache-bytes", "16");
    all.put("triton.targets", "one:1,[::1]:2");
    all.put("triton.models", "a,b");
    all.put("triton.served-models.a", "there");
    all.put("triton.tls", "true");
    all.put("triton.trusted-file", "ca.pem");
    all.put("triton.token-file", "token");
    all.put("triton.timeout", "PT13S");
    all.put("triton.in-flight", "14");
    all.put("triton.batch-tokens", "15");

    assertThat(TestReward.config(all))
        .isEqualTo(
            new RewardConfig(
                new RewardSettings(
                    "other",
                    "7",
                    AggregationMethod.MEAN,
                    0.1,
                    0.4,
                    List.of(AggregationMethod.MEAN, AggregationMethod.MEDIAN),
                    3,
                    false,
                    Map.of(
                        "other", new QuorumRule(OptionalInt.of(4), Optional.empty()),
                        "an.other", new QuorumRule(OptionalInt.empty(), Optional.of(true))),
                    Duration.ofSeconds(1),
                    Duration.ofSeconds(2)),
                new ItemLimits(5, 6, 8),
                new QueueLimits(9, Duration.ofSeconds(3), 10, 11, 17),
                16,
                12,
                new ScoringPlace(
                    List.of("one:1", "[::1]:2"),
                    List.of("a", "b"),
                    Map.of("a", "there"),
                    true,
                    Optional.of(Path.of("ca.pem")),
                    Optional.of(Path.of("token")),
                    Optional.empty(),
                    Duration.ofSeconds(13),
                    14,
                    15),
                new ComponentConfig(Map.of(), Optional.empty()),
                Optional.of(new ShadowTarget("java-reward", "2", 0.5)),
                Optional.of(Path.of("serving"))));
    assertThat(TestReward.config(Map.of("triton.token-variable", "TOKEN")).triton().tokenVariable())
        .contains("TOKEN");
  }

  @Test
  void rulesOfAnEnsembleThatIsNotThereAreNamed() {
    RewardSettings settings =
        TestReward.config(
                Map.of(
                    "ensembles.java-reward.quorum", "4",
                    "ensembles.jawa-reward.quorum", "4",
                    "ensembles.\"an.other\".worst-case-needs-all", "true"))
            .settings();

    assertThat(settings.rulesOfNobody(List.of("java-reward", "third")))
        .containsExactly("an.other", "jawa-reward");
    assertThat(settings.rulesOfNobody(List.of("java-reward", "jawa-reward", "an.other"))).isEmpty();
  }

  @Test
  void whatTrainingsMayTakeHasDefaultsAndEachPropertyReachesItsField() {
    assertThat(training(Map.of()))
        .isEqualTo(
            new TrainingConfig(
                1,
                50_000,
                67_108_864,
                Duration.ofMinutes(1),
                Duration.ofMinutes(30),
                Duration.ofMinutes(30)));
    assertThat(
            training(
                Map.of(
                    "threads", "2",
                    "max-judgements", "3",
                    "max-upload-bytes", "4",
                    "upload-patience", "PT6S",
                    "upload-timeout", "PT7S",
                    "feedback-timeout", "PT5S")))
        .isEqualTo(
            new TrainingConfig(
                2, 3, 4, Duration.ofSeconds(6), Duration.ofSeconds(7), Duration.ofSeconds(5)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "threads | 0 | threads: 0 (expected: ≥ 1)",
        "max-judgements | 0 | max-judgements: 0 (expected: ≥ 1)",
        "max-upload-bytes | 0 | max-upload-bytes: 0 (expected: ≥ 1)",
        "upload-patience | PT0S | upload-patience: PT0S (expected: > 0)",
        "upload-timeout | PT0S | upload-timeout: PT0S (expected: > 0)",
        "feedback-timeout | PT0S | feedback-timeout: PT0S (expected: > 0)"
      })
  void aTrainingsValueOutOfItsRangeIsNamed(String property, String value, String message) {
    assertThatThrownBy(() -> training(Map.of(property, value)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("ballast.reward.training." + message);
  }

  private static TrainingConfig training(Map<String, String> values) {
    Map<String, String> prefixed = new HashMap<>();
    values.forEach((name, value) -> prefixed.put("ballast.reward.training." + name, value));
    return TrainingConfig.from(TestReward.properties(prefixed).training());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "uwo-lambda | -1 | uwo-lambda: -1.0 (expected: finite, ≥ 0)",
        "quantile | 0 | quantile: 0.0 (expected: above 0, at most 0.5)",
        "quantile | 0.6 | quantile: 0.6 (expected: above 0, at most 0.5)",
        "quorum | -1 | quorum: -1 (expected: ≥ 0; 0 means all)",
        "ensembles.\"a.b\".quorum | -1 | ensembles.\"a.b\".quorum: -1 (expected: ≥ 0; 0 means all)",
        "allowed-aggregations | MEAN,MEDIAN | aggregation: WORST_CASE (expected: one of"
            + " ballast.reward.allowed-aggregations, [MEAN, MEDIAN])",
        "model-timeout | PT0S | model-timeout: PT0S (expected: > 0)",
        "deadline-reserve | PT-1S | deadline-reserve: PT-1S (expected: ≥ 0)",
        "max-items | 4097 | max-items: 4097 (expected: 1 to 4,096)",
        "max-text-bytes | 0 | max-text-bytes: 0 (expected: 1 to 1,048,576)",
        "max-prompt-tokens | -1 | max-prompt-tokens: -1 (expected: ≥ 0; 0 means as many as fit)",
        "batch-tokens | 0 | batch-tokens: 0 (expected: ≥ 1)",
        "batch-wait | PT-1S | batch-wait: PT-1S (expected: ≥ 0)",
        "queued-tokens | 0 | queued-tokens: 0 (expected: ≥ 1)",
        "cache-bytes | -1 | cache-bytes: -1 (expected: 0 to 1,099,511,627,776; 0 means none)",
        "workers | 0 | workers: 0 (expected: ≥ 1)",
        "interactive-workers | -1 | interactive-workers: -1 (expected: ≥ 0)",
        "threads | 0 | threads: 0 (expected: ≥ 1)",
        "shadow | a/1 | shadow: a/1 (expected: NAME/VERSION@SHARE)",
        "shadow | a/1@2 | shadow: 2.0 (expected: a share above 0, at most 1)",
        "triton.targets | http://gpu:8001 | triton.targets: http://gpu:8001 (expected: host:port)",
        "triton.targets | me:secret@gpu:8001 | triton.targets: not shown (expected: host:port)",
        "triton.trusted-file | ca.pem | triton.trusted-file: ca.pem (expected: none without tls)",
        "triton.timeout | PT0S | triton.timeout: PT0S (expected: > 0)",
        "triton.in-flight | 257 | triton.in-flight: 257 (expected: 1 to 256)",
        "triton.batch-tokens | 0 | triton.batch-tokens: 0 (expected: ≥ 1)"
      })
  void aValueOutOfItsRangeIsNamed(String property, String value, String message) {
    assertThatThrownBy(() -> TestReward.config(Map.of(property, value)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("ballast.reward." + message);
  }
}
