package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.runtime.Role;
import io.ballast.orchestrator.adapter.GrpcRewardCheck;
import io.ballast.orchestrator.adapter.GrpcRewards;
import io.ballast.orchestrator.adapter.SpecParser;
import io.ballast.orchestrator.core.peer.Judgeable;
import io.ballast.orchestrator.core.peer.RewardOracle.Outcome;
import io.ballast.orchestrator.core.rollout.SampledCompletion;
import io.ballast.orchestrator.core.spec.GoldSpec;
import io.ballast.orchestrator.core.spec.RewardSpec;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.reward.adapter.CompositePublisher;
import io.ballast.reward.config.RewardProperties;
import io.ballast.reward.wiring.RewardModule;
import io.ballast.testing.FixedRuntime;
import io.ballast.testing.ModuleInProcess;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A run is rewarded, and measured, by composites of a real reward-server, through Score. */
class CompositeRunTest {
  private static final String MIX =
      """
      {
        "format": "ballast-composite",
        "components": {
          "taste": {"kind": "learned", "model": "java-reward", "version": "1"},
          "parses": {"kind": "java_parse", "form": "statements"}
        },
        "reward": {"gate": "parses", "then": {"clip": "taste", "low": -3, "high": 3}, "else": -5}
      }
      """;
  private static final String PARSES =
      """
      {
        "format": "ballast-composite",
        "components": {"parses": {"kind": "java_parse", "form": "statements"}},
        "reward": "parses"
      }
      """;

  @TempDir private Path folder = Path.of(".");
  private ModuleInProcess reward;

  private static final String ANSWERS =
      """
      {
        "format": "ballast-composite",
        "components": {"answer": {"kind": "exact"}},
        "reward": "answer"
      }
      """;
  private static final String FAR =
      """
      {
        "format": "ballast-composite",
        "components": {"judge": {"kind": "remote", "remote": "there", "model": "taste"}},
        "reward": "judge"
      }
      """;

  @BeforeEach
  void start() throws IOException {
    List<Path> roots = List.of(folder.resolve("data/models"), Path.of("../models"));
    CompositePublisher publisher = new CompositePublisher(roots);
    publisher.publish("mix", "1", MIX, Map.of());
    publisher.publish("parses", "1", PARSES, Map.of());
    publisher.publish("answers", "1", ANSWERS, Map.of());
    publisher.publish("far", "1", FAR, Map.of());
    reward =
        ModuleInProcess.start(
            new RewardModule(
                new SmallRyeConfigBuilder()
                    .withMapping(RewardProperties.class)
                    .build()
                    .getConfigMapping(RewardProperties.class)),
            new FixedRuntime(Role.REWARD_SERVER, roots, folder.resolve("data")));
  }

  @AfterEach
  void stop() {
    reward.close();
  }

  private static RunSpec spec(String more) {
    return new SpecParser()
        .apply(
            """
            name: composed
            prompts: {inline: [a]}
            safety_test: {threshold: 0.3, prompts: {inline: [b, c]}}
            """
                + more);
  }

  private List<Outcome> score(RewardSpec by) {
    return new GrpcRewards(reward.channel(), Duration.ofSeconds(60))
        .score("tenant", by, List.of(judgeable("return 1;"), judgeable("return return;")));
  }

  private static Judgeable judgeable(String completion) {
    return new Judgeable(
        "int n = ", new SampledCompletion(TokenIds.of(1), completion, PerToken.of(-1f), false));
  }

  @Test
  void aSpecNamesCompositesAsRewardAndAsGold() {
    RunSpec spec =
        spec(
            """
            reward: {model: mix, version: 1, aggregation: NONE}
            watch: {gold: {model: parses, version: 1, aggregation: NONE}}
            """);

    List<Outcome> rewards = score(spec.reward());
    assertThat(rewards.getFirst())
        .isInstanceOfSatisfying(
            Outcome.Value.class, value -> assertThat(value.reward()).isBetween(-3., 3.));
    assertThat(rewards.getLast()).isEqualTo(new Outcome.Value(-5, OptionalDouble.empty()));
    GoldSpec gold = Objects.requireNonNull(spec.watch().gold());
    assertThat(score(gold.reward()))
        .containsExactly(
            new Outcome.Value(1, OptionalDouble.empty()),
            new Outcome.Value(0, OptionalDouble.empty()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "reward: {aggregation: MEAN}",
        "reward: {model: mix, version: 1, aggregation: NONE}",
        "reward: {model: parses, version: 1, aggregation: NONE}"
      })
  void aRunMayBeginWithARewardThatAnswers(String more) {
    assertThatCode(() -> check(more)).doesNotThrowAnyException();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{model: mix, version: 1, aggregation: MEAN}     | MALFORMED_REQUEST   | reward.aggregation: MEAN (expected: NONE; mix is a composite)",
        "{model: far, version: 1}                        | MALFORMED_REQUEST   | reward.aggregation: WORST_CASE (expected: NONE; far is a composite)",
        "{aggregation: NONE}                             | MALFORMED_REQUEST   | reward.aggregation: NONE (expected: how its members become one reward, such as WORST_CASE; java-reward/1 is an ensemble)",
        "{model: mix, version: 2, aggregation: NONE}     | UNKNOWN_MODEL       | reward: reward-server: ",
        "{model: nobody, version: 1}                     | UNKNOWN_MODEL       | reward: reward-server: ",
        "{model: answers, version: 1, aggregation: NONE} | MALFORMED_REQUEST   | reward: answers/1 cannot reward a completion of a run: component 'answer': ",
        "{model: far, version: 1, aggregation: NONE}     | PRECONDITION_FAILED | reward: reward-server: component 'judge': remote 'there' is not known here",
      })
  void aRunDoesNotBeginWithARewardThatNeverAnswers(String by, Fault fault, String message) {
    assertThatThrownBy(() -> check("reward: " + by))
        .isInstanceOfSatisfying(MeshException.class, e -> assertThat(e.fault()).isEqualTo(fault))
        .hasMessageStartingWith(message);
  }

  private void check(String more) {
    var unused =
        new GrpcRewardCheck(reward.channel(), Duration.ofSeconds(60))
            .require("tenant", "reward", spec(more).reward(), "int n = ");
  }

  @Test
  void anEnsembleIsNotAskedWithoutAnAggregation() {
    assertThatThrownBy(() -> score(spec("reward: {aggregation: NONE}").reward()))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.MALFORMED_REQUEST))
        .hasMessageStartingWith("aggregation: NONE (expected: ")
        .hasMessageEndingWith("java-reward/1 is an ensemble)");
  }

  @Test
  void theMembersOfAnEnsembleTellTheirSpread() {
    assertThat(score(spec("").reward()))
        .allSatisfy(
            outcome ->
                assertThat(outcome)
                    .isInstanceOfSatisfying(
                        Outcome.Value.class,
                        value -> assertThat(value.spread().getAsDouble()).isPositive()));
  }

  @Test
  void anAggregationIsNoneOfACompositesBusiness() {
    assertThatThrownBy(
            () -> score(spec("reward: {model: mix, version: 1, aggregation: MEAN}").reward()))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.DEPENDENCY_BROKEN))
        .hasMessageContaining("mix is a composite, which says it itself");
  }
}
