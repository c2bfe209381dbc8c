package io.ballast.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.audit.Act;
import io.ballast.kit.audit.AuditChain;
import io.ballast.kit.audit.AuditEntry;
import io.ballast.kit.audit.AuditTrail;
import io.ballast.kit.audit.Configuration;
import io.ballast.kit.audit.FileAudit;
import io.ballast.kit.runtime.Role;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.v1.CancelTrainingRequest;
import io.ballast.reward.v1.FeedbackChoice;
import io.ballast.reward.v1.RewardTraining;
import io.ballast.reward.v1.TrainingPlan;
import io.ballast.reward.v1.TrainingState;
import io.ballast.reward.wiring.RewardModule;
import io.ballast.testing.FixedRuntime;
import io.ballast.testing.ModuleInProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** Who had what trained, and what came of it, is told in a chain that restarts go on with. */
class AuditTrailTest extends TrainingServerCase {
  @Test
  void aTrainingIsToldFromItsBeginningToItsVersion() {
    RewardTraining done = ended(start("k", upload("taste"), pairs(120)).getTraining());
    assertThat(done.getState()).as("%s", done).isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
    var unused = start("k", upload("taste"), pairs(120)); // the same again: none begins

    AuditTrail trail = server.module().audits().getFirst();
    List<AuditEntry> entries = trail.after(0, 100);
    AuditChain chain = new AuditChain();
    assertThat(trail.name()).isEqualTo("reward");
    assertThat(entries).hasSize(2).allSatisfy(entry -> assertThat(chain.add(entry)).isEmpty());
    assertThat(entries) // no edge of a network is before these tests
        .extracting(AuditEntry::content)
        .allMatch(content -> content.contains("\"principal\":\"the server itself\""))
        .noneMatch(content -> content.contains("int a0"));
    ModelVersion version = done.getResult().getModelVersion();
    assertThat(acts())
        .containsExactly(
            told(
                "training.start",
                done,
                Map.of("version", "taste/1", "fingerprint", fingerprint(entries.getFirst()))),
            told(
                "training.succeeded",
                done,
                Map.of("version", "taste/1", "sha256", version.getWeightsSha256())));
    assertThat(version.getWeightsSha256()).hasSize(64);
  }

  @Test
  void whoEndsATrainingIsToldAndARestartTellsNothingAgain() {
    feedback.endless = true;
    TrainingPlan plan = plan("taste").setFeedback(FeedbackChoice.getDefaultInstance()).build();
    RewardTraining ended = start("first", plan, "").getTraining();
    assertThat(cancel(ended).getState()).isEqualTo(TrainingState.TRAINING_STATE_CANCELLED);
    RewardTraining stopped = start("second", plan, "").getTraining();
    restart();
    restart();

    assertThat(actions(ended))
        .containsExactly("training.start", "training.cancel", "training.cancelled");
    assertThat(actions(stopped)).containsExactly("training.start", "training.interrupted");
    assertThat(trail().flaw()).isEmpty();
  }

  @Test
  void theEndOfATrainingWhoseProcessWasKilledIsToldAtTheNextStart() throws IOException {
    RewardTraining done = ended(start("k", upload("taste"), pairs(120)).getTraining());
    server.close();
    List<String> lines = Files.readAllLines(file());
    Files.write(file(), lines.subList(0, 1)); // as kill -9 leaves it before the end is told

    server = startServer(Map.of());

    assertThat(actions(done)).containsExactly("training.start", "training.succeeded");
    assertThat(trail().flaw()).isEmpty();
  }

  @Test
  void withoutATrailNothingBeginsAndAnEndIsToldWithTheNextBeginning() throws IOException {
    CountDownLatch over = new CountDownLatch(1);
    feedback.beforeEnd = () -> await(over);
    TrainingPlan plan = plan("taste").setFeedback(FeedbackChoice.getDefaultInstance()).build();
    RewardTraining first = start("first", plan, "").getTraining();
    Path aside = data.resolve("aside");
    Files.move(file(), aside);
    Files.createDirectory(file()); // no file of this name can be written
    assertThatThrownBy(() -> cancel(first))
        .hasMessage(
            "RESOURCE_EXHAUSTED: the audit trail cannot be kept: its file may not be written");
    over.countDown(); // it goes on, and fails for want of feedback
    assertThat(ended(first).getState()).isEqualTo(TrainingState.TRAINING_STATE_FAILED);
    assertThatThrownBy(() -> start("second", plan, ""))
        .hasMessage(
            "RESOURCE_EXHAUSTED: the audit trail cannot be kept: its file may not be written");
    Files.delete(file());
    Files.move(aside, file());

    feedback.liked(100);
    RewardTraining second = ended(start("third", plan, "").getTraining());

    assertThat(second.getState()).isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
    assertThat(actions(first)).containsExactly("training.start", "training.failed");
    assertThat(trail().flaw()).isEmpty();
  }

  @Test
  void whoMayBeWhatIsToldAndAnAlteredTrailToo() throws IOException {
    server.close();
    server = startWith("operator: ada");
    server.close();
    server = startWith("operator: ada");
    server.close();
    server = startWith("operator: bob");
    assertThat(acts()).extracting(Act::action).containsExactly("configuration", "configuration");
    assertThat(acts().getLast().details())
        .containsEntry("rights_added", "operator: bob")
        .containsEntry("rights_removed", "operator: ada");
    assertThat(server.module().flaws()).isEmpty();

    server.close();
    Files.writeString(file(), Files.readString(file()).replace("operator: bob", "operator: eve"));
    server = startWith("operator: bob");
    assertThat(server.module().flaws())
        .containsEntry("the audit trail", "altered: entry 2 is not what was hashed");
  }

  private ModuleInProcess startWith(String right) {
    return ModuleInProcess.start(
        new RewardModule(TestReward.properties(Map.of())),
        new FixedRuntime(Role.REWARD_SERVER, List.of(data.resolve("models"), SHIPPED), data) {
          @Override
          public Optional<Configuration> configuration() {
            return Optional.of(new Configuration("a", new TreeSet<>(Set.of(right))));
          }
        });
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private RewardTraining cancel(RewardTraining training) {
    return stub()
        .cancelTraining(
            CancelTrainingRequest.newBuilder().setTrainingId(training.getTrainingId()).build())
        .getTraining();
  }

  private void restart() {
    server.close();
    server = startServer(Map.of());
  }

  private Path file() {
    return data.resolve("reward-audit.jsonl");
  }

  private FileAudit trail() {
    return new FileAudit("reward", file(), InstantSource.system());
  }

  private List<Act> acts() {
    return trail().acts("");
  }

  private List<String> actions(RewardTraining training) {
    return acts().stream()
        .filter(act -> act.subject().equals(training.getTrainingId()))
        .map(Act::action)
        .toList();
  }

  private static Act told(String action, RewardTraining training, Map<String, String> details) {
    return new Act(action, "default", "", training.getTrainingId(), "", details);
  }

  private static String fingerprint(AuditEntry entry) {
    String before = "\"fingerprint\":\"";
    int begin = entry.content().indexOf(before) + before.length();
    return entry.content().substring(begin, begin + 64);
  }
}
