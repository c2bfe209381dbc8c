package io.ballast.reward;

import static java.time.Instant.EPOCH;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.store.ModelManifest;
import io.ballast.reward.v1.FeedbackChoice;
import io.ballast.reward.v1.ObjectiveResult;
import io.ballast.reward.v1.ObjectivesChoice;
import io.ballast.reward.v1.RewardTraining;
import io.ballast.reward.v1.TrainingOptions;
import io.ballast.reward.v1.TrainingPlan;
import io.ballast.reward.v1.TrainingSplit;
import io.ballast.reward.v1.TrainingState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What a server knows of trainings whose process ended. */
class RewardTrainingRestartTest extends TrainingServerCase {
  @Test
  void aTrainingThatAStopInterruptsIsNeverTakenForDone() throws Exception {
    feedback.endless = true;
    TrainingPlan plan = plan("taste").setFeedback(FeedbackChoice.getDefaultInstance()).build();
    RewardTraining begun = start("endless", plan, "").getTraining();
    byte[] running = Files.readAllBytes(record(begun));
    restart();
    assertThat(get(begun, "").getState()).isEqualTo(TrainingState.TRAINING_STATE_INTERRUPTED);

    server.close();
    Files.write(record(begun), running); // as kill -9 leaves it
    Files.write(record(begun).resolveSibling("0.training"), new byte[] {1, 2, 3}); // a broken one
    server = startServer(Map.of());
    RewardTraining found = get(begun, "");
    assertThat(found.getState()).isEqualTo(TrainingState.TRAINING_STATE_INTERRUPTED);
    assertThat(found.getFailure().getMessage()).contains("the server stopped; there is no version");
    assertThat(found.hasEndTime()).isTrue();
    assertThat(data.resolve("models/taste")).doesNotExist();
    assertThat(ended("interrupted")).isEqualTo(1);
    assertThat(time("interrupted").count()).as("nobody knows when it ended").isZero();

    feedback.endless = false;
    feedback.liked(100);
    assertThat(ended(start("again", plan, "").getTraining()).getState())
        .isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
  }

  @Test
  void aVersionThatWasPublishedWhenTheProcessWasKilledSaysWhatCameOfItsTraining() throws Exception {
    RewardTraining done = ended(startWithBadRows());
    assertThat(done.getState()).as("%s", done).isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
    assertThat(done.getBadRowsList())
        .extracting(row -> row.getRow() + ": " + row.getReason())
        .containsExactly(
            "1: user: missing (expected: one, the split is by it)",
            "2: rejected: missing (expected: a text or messages)");
    assertThat(facts(done)).contains("rows left out: 2");
    Files.setLastModifiedTime( // where the server's clock stands it began, and is restarted
        data.resolve("models/taste/1/ballast.json"), FileTime.from(EPOCH.plusSeconds(90)));

    kill(done);
    RewardTraining found = get(done, "");
    assertThat(found.getEndTime().getSeconds()).isEqualTo(90);
    assertThat(found.toBuilder().setEndTime(done.getEndTime()).clearResult().build())
        .as("all else of the record")
        .isEqualTo(done.toBuilder().clearResult().build());
    assertThat(found.getResult().toBuilder().clearFacts().build())
        .as("version and figures")
        .isEqualTo(done.getResult().toBuilder().clearFacts().build());
    assertThat(facts(found)).contains("loss: Bradley-Terry of the pairs", "rows_left_out: 2");
    assertThat(ended("succeeded")).isEqualTo(1);
    assertThat(time("succeeded").totalTime(TimeUnit.SECONDS)).isEqualTo(90);
    restart();
    assertThat(get(done, "")).as("and it is kept").isEqualTo(found);
    assertThat(ended("succeeded")).as("and not counted again").isZero();

    kill(done.toBuilder().setBadRowCount(1).build());
    assertThat(get(done, "").getBadRowCount()).as("the version's, not the record's").isEqualTo(2);

    Path version = data.resolve("models/taste/1");
    Map<String, String> older = new TreeMap<>(ModelManifest.read(version).orElseThrow().notes());
    older.remove("rows_left_out");
    ModelManifest.write(version, older);
    kill(done.toBuilder().setBadRowCount(7).build());
    assertThat(get(done, "").getBadRowCount()).as("the record's, if it says none").isEqualTo(7);
  }

  @Test
  void aRecoveredTrainingOfObjectivesTellsThemWithTheirFiguresAndRows() throws Exception {
    ObjectivesChoice.Builder choice = ObjectivesChoice.newBuilder();
    choice.addObjectivesBuilder().setName("love").setWeight(1);
    choice.addObjectivesBuilder().setName("cost").setWeight(-0.5);
    TrainingPlan plan = plan("taste").setObjectives(choice).setSkipBadRows(true).build();
    RewardTraining done =
        ended(
            startMessages(
                    List.of(
                        first("k", plan),
                        bytes(pairs(120)).toBuilder().setObjectiveName("love").build(),
                        bytes("{}\n" + pairs(110)).toBuilder().setObjectiveName("cost").build()))
                .getTraining());
    assertThat(done.getState()).as("%s", done).isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);

    kill(done);
    RewardTraining found = get(done, "");
    assertThat(found.getBadRowCount()).isEqualTo(1);
    assertThat(found.getBadRowsList()).isEqualTo(done.getBadRowsList());
    assertThat(found.getBadRows(0).getReason()).startsWith("cost: ");
    assertThat(found.getResult().getObjectivesList())
        .isEqualTo(done.getResult().getObjectivesList())
        .extracting(ObjectiveResult::getName)
        .containsExactly("love", "cost");
    assertThat(found.getResult().toBuilder().clearFacts().build())
        .as("version and figures")
        .isEqualTo(done.getResult().toBuilder().clearFacts().build());
    assertThat(facts(found))
        .contains(
            "love_loss: Bradley-Terry of the pairs",
            "cost_loss: Bradley-Terry of the pairs",
            "objectives_each_standardised: 1.0·love − 0.5·cost",
            "rows_left_out: 1");
  }

  @Test
  void aCountThatAVersionTellsInAnotherFormIsNoDoubtOfTheVersion() throws Exception {
    RewardTraining done = ended(startWithBadRows()).toBuilder().setBadRowCount(7).build();
    assertRowsLeftOut(done, "1,234", 1_234); // as older releases wrote it
    assertRowsLeftOut(done, "many", 7); // the record's own
    assertRowsLeftOut(done, "9".repeat(19), 7);
  }

  private void assertRowsLeftOut(RewardTraining done, String note, long expected)
      throws IOException {
    Path version = data.resolve("models/taste/1");
    Map<String, String> notes = new TreeMap<>(ModelManifest.read(version).orElseThrow().notes());
    notes.put("rows_left_out", note);
    ModelManifest.write(version, notes);
    kill(done);
    RewardTraining found = get(done, "");
    assertThat(found.getState()).as(note).isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
    assertThat(found.getBadRowCount()).as(note).isEqualTo(expected);
  }

  @Test
  void aVersionThatAnotherTrainingMadeIsNoSuccess() throws Exception {
    RewardTraining done = ended(startWithBadRows());
    ModelManifest.write(
        data.resolve("models/taste/1"), Map.of("training_id", "another training's"));
    kill(done);
    assertThat(get(done, "").getState()).isEqualTo(TrainingState.TRAINING_STATE_INTERRUPTED);
    assertThat(ended("interrupted")).isEqualTo(1);
  }

  /** Of its 122 rows one has no user, by whom the split is, and one says nothing. */
  private RewardTraining startWithBadRows() {
    String rows =
        "{\"prompt\": \"p\", \"chosen\": \"a\", \"rejected\": \"b\"}\n"
            + "{\"prompt\": \"p\", \"chosen\": \"a\", \"user\": \"u\"}\n"
            + IntStream.range(0, 120)
                .mapToObj(
                    i ->
                        "{\"prompt\": \"int a%d = \", \"chosen\": \"%d;\", \"rejected\": \"%d,\", \"user\": \"u%d\"}\n"
                            .formatted(i, i, i, i))
                .collect(Collectors.joining());
    TrainingOptions byUser = options().setSplit(TrainingSplit.TRAINING_SPLIT_USER).build();
    return start(
            "k", upload("taste").toBuilder().setOptions(byUser).setSkipBadRows(true).build(), rows)
        .getTraining();
  }

  /** Starts the server anew after one that was killed between publishing and its record. */
  private void kill(RewardTraining done) throws IOException {
    server.close();
    RewardTraining running =
        done.toBuilder()
            .setState(TrainingState.TRAINING_STATE_RUNNING)
            .clearEndTime()
            .clearResult()
            .build();
    Files.write(record(done), running.toByteArray());
    server = startServer(Map.of());
  }

  private void restart() {
    server.close();
    server = startServer(Map.of());
  }

  private Path record(RewardTraining training) {
    return data.resolve("reward-trainings/" + training.getTrainingId() + ".training");
  }
}
