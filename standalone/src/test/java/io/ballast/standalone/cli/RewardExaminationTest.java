package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.standalone.cli.Finding.Health;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** doctor reward believes an honest server, and finds each way of lying under its own name. */
class RewardExaminationTest {
  @Test
  void anHonestServerIsBelieved() throws IOException {
    List<Finding> findings = examine(new FakeEnsemble(null));

    assertThat(findings).extracting(Finding::health).containsOnly(Health.GOOD);
    assertThat(findings)
        .extracting(Finding::subject)
        .containsExactly(
            "ensemble",
            "golden scores",
            "determinism",
            "company",
            "stream",
            "normalisation",
            "aggregation",
            "aggregation",
            "failures");
    assertThat(findings.getFirst().detail())
        .startsWith("taste/3, 2 members, quorum 2, weights abababababab…, 0.700 of held-out pairs");
  }

  @ParameterizedTest
  @EnumSource
  void eachLieIsFound(FakeEnsemble.Lie lie) throws IOException {
    assertThat(examine(new FakeEnsemble(lie)))
        .filteredOn(finding -> finding.health() == Health.BROKEN)
        .extracting(Finding::subject)
        .contains(lie.finding);
  }

  @Test
  void anEnsembleThatReadsNoTextsIsExaminedInTokens() throws IOException {
    FakeEnsemble rewards = new FakeEnsemble(null);
    rewards.tokensOnly = true;

    assertThat(examine(rewards)).extracting(Finding::health).containsOnly(Health.GOOD);
    rewards.golden = false;
    assertThat(examine(rewards).getFirst().health()).isEqualTo(Health.BROKEN);
  }

  @Test
  void aModelThatKeepsNoScoresIsToBeLookedAt() throws IOException {
    FakeEnsemble rewards = new FakeEnsemble(null);
    rewards.golden = false;

    assertThat(examine(rewards))
        .filteredOn(finding -> finding.subject().equals("golden scores"))
        .extracting(Finding::health)
        .containsExactly(Health.WEAK);
  }

  @Test
  void aMemberThatIsSilentLeavesItsScoresUnexamined() throws IOException {
    FakeEnsemble rewards = new FakeEnsemble(null);
    rewards.silent = true;

    assertThat(examine(rewards))
        .filteredOn(finding -> finding.subject().equals("determinism"))
        .singleElement()
        .satisfies(
            finding -> {
              assertThat(finding.health()).isEqualTo(Health.WEAK);
              assertThat(finding.detail()).contains("members' scores are missing");
            });
  }

  @Test
  void aMemberThatHasNoRoomForMostItemsIsToBeLookedAtByName() throws IOException {
    FakeEnsemble rewards = new FakeEnsemble(null);
    rewards.room = 3; // for one completion of six
    Finding ensemble = examine(rewards).getFirst();
    assertThat(ensemble.health()).isEqualTo(Health.WEAK);
    assertThat(ensemble.detail())
        .endsWith(
            "; too short for 25 of 30 items that doctor would ask about: member 1, judge-1/3");

    rewards.room = 40; // for five of six
    assertThat(examine(rewards))
        .extracting(Finding::health)
        .as("what is left out is few")
        .containsOnly(Health.GOOD);
    assertThat(examine(rewards).getFirst().detail())
        .endsWith("; too short for 5 of 30 items that doctor would ask about: member 1, judge-1/3");
  }

  @Test
  void aCompositeIsNoEnsemble() {
    FakeEnsemble rewards = new FakeEnsemble(null);
    rewards.composite = true;

    assertThatThrownBy(() -> examine(rewards))
        .isInstanceOf(CommandFailure.class)
        .hasMessage(
            "taste/3 is a composite: examine the ensembles that it asks,"
                + " ./mesh doctor reward --model java-reward --version-id 1");
  }

  @Test
  void whatTheServerBreaksDownOverIsFoundAndTheLast() throws IOException {
    FakeEnsemble rewards = new FakeEnsemble(null);
    rewards.goldenLost = true;

    List<Finding> findings = examine(rewards);

    assertThat(findings).extracting(Finding::subject).containsExactly("ensemble", "golden scores");
    assertThat(findings.getLast().health()).isEqualTo(Health.BROKEN);
    assertThat(findings.getLast().detail())
        .startsWith("DATA_LOSS: taste/3/golden.json: SHA-256 differs");
  }

  @Test
  void aQuestionThatIsWrongIsNoFindingOfTheServer() {
    FakeEnsemble rewards = new FakeEnsemble(null);
    rewards.unknown = true;

    assertThatThrownBy(() -> examine(rewards))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.NOT_FOUND));
  }

  private static List<Finding> examine(FakeEnsemble rewards) throws IOException {
    String name = InProcessServerBuilder.generateName();
    Server server = InProcessServerBuilder.forName(name).addService(rewards).build().start();
    ManagedChannel channel = InProcessChannelBuilder.forName(name).build();
    try {
      RewardProbe probe =
          new RewardProbe(
              channel,
              RequestMetadata.getDefaultInstance(),
              ModelSelector.getDefaultInstance(),
              Duration.ofMinutes(1));
      List<Finding> findings = new ArrayList<>();
      new RewardExamination(probe, 1e-5, 1).run(findings::add);
      return findings;
    } finally {
      channel.shutdownNow();
      server.shutdownNow();
    }
  }
}
