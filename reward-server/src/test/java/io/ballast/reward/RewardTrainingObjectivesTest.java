package io.ballast.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import com.google.rpc.ErrorInfo;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.reward.v1.ComponentScore;
import io.ballast.reward.v1.ListRewardModelsRequest;
import io.ballast.reward.v1.ObjectiveChoice;
import io.ballast.reward.v1.ObjectiveResult;
import io.ballast.reward.v1.ObjectivesChoice;
import io.ballast.reward.v1.RewardObjective;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardTraining;
import io.ballast.reward.v1.ScoreResult;
import io.ballast.reward.v1.StartTrainingRequest;
import io.ballast.reward.v1.StartTrainingResponse;
import io.ballast.reward.v1.TrainingPlan;
import io.ballast.reward.v1.TrainingState;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Files of several objectives come one after the other, and become one version. */
class RewardTrainingObjectivesTest extends TrainingServerCase {
  private static ObjectiveChoice choice(String name, double weight) {
    return ObjectiveChoice.newBuilder()
        .setName(name)
        .setWeight(weight)
        .setFileName(name + ".jsonl")
        .build();
  }

  private static TrainingPlan objectives(String name, ObjectiveChoice... choices) {
    return plan(name)
        .setObjectives(ObjectivesChoice.newBuilder().addAllObjectives(List.of(choices)))
        .build();
  }

  private static TrainingPlan loveAndCost(String name) {
    return objectives(name, choice("love", 1), choice("cost", -0.5));
  }

  private static StartTrainingRequest bytes(String objective, String text) {
    return bytes(text).toBuilder().setObjectiveName(objective).build();
  }

  private static String grades(int count) {
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < count; i++) {
      rows.append(
          "{\"prompt\": \"int b%d = \", \"completion\": \"%d%s\", \"label\": %s}\n"
              .formatted(i / 2, i / 2, i % 2 == 0 ? ";" : ",", i % 2 == 1));
    }
    return rows.toString();
  }

  private StartTrainingResponse startBoth(String key, TrainingPlan plan, String love, String cost) {
    List<StartTrainingRequest> messages = new ArrayList<>(List.of(first(key, plan)));
    messages.add(bytes("love", love.substring(0, 40)));
    messages.add(bytes("love", love.substring(40)));
    if (!cost.isEmpty()) {
      messages.add(bytes("cost", cost));
    }
    return startMessages(messages);
  }

  @Test
  void twoFilesBecomeAVersionThatTellsBothObjectives() {
    RewardTraining ended =
        ended(startBoth("k", loveAndCost("taste"), pairs(120), grades(240)).getTraining());

    assertThat(ended.getState()).as("%s", ended).isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
    assertThat(ended.getCommand())
        .startsWith(
            "./mesh reward train --objective love=love.jsonl --objective cost=cost.jsonl --weight"
                + " love=1.0 --weight cost=-0.5 --name taste/1 --trunk java-tiny/1 ");
    assertThat(facts(ended))
        .contains(
            "objectives, each standardised: 1.0·love − 0.5·cost",
            "love: loss: Bradley-Terry of the pairs",
            "cost: loss: likelihood of the grades");
    assertThat(ended.getResult().getObjectivesList())
        .extracting(ObjectiveResult::getName, ObjectiveResult::getWeight)
        .containsExactly(tuple("love", 1.0), tuple("cost", -0.5));
    assertThat(ended.getResult().getObjectives(0).getMembersList()).hasSize(2);
    assertThat(ended.getResult().getObjectives(1).getEnsemble().getValuesMap())
        .containsKey("cautious_auc");
    assertThat(ended.getResult().getEnsemble().getValuesMap())
        .containsKeys("love.cautious_within_prompt_accuracy", "cost.cautious_auc");

    ScoreResult result =
        score(ModelSelector.newBuilder().setModel("taste").setVersion("1")).getResults(0);
    assertThat(result.getComponentsList())
        .extracting(ComponentScore::getName, ComponentScore::getWeight)
        .containsExactly(tuple("love", 1.0), tuple("cost", -0.5));
    assertThat(
            RewardServiceGrpc.newBlockingStub(server.channel())
                .listRewardModels(ListRewardModelsRequest.getDefaultInstance())
                .getEnsemblesList())
        .filteredOn(each -> each.getModelVersion().getModel().equals("taste"))
        .singleElement()
        .satisfies(
            taste ->
                assertThat(taste.getObjectivesList())
                    .extracting(RewardObjective::getName)
                    .containsExactly("love", "cost"));

    server.close();
    server = startServer(Map.of());
    assertThat(get(ended, "").getResult()).as("and after a restart").isEqualTo(ended.getResult());
  }

  @Test
  void theSameKeyStartsOneTrainingAndAnotherFileOfAnObjectiveIsAnother() {
    RewardTraining begun =
        startBoth("k", loveAndCost("taste"), pairs(120), grades(240)).getTraining();
    StartTrainingResponse again = startBoth("k", loveAndCost("taste"), pairs(120), grades(240));
    assertThat(again.getDuplicate()).isTrue();
    assertThat(again.getTraining().getTrainingId()).isEqualTo(begun.getTrainingId());
    assertThatThrownBy(() -> startBoth("k", loveAndCost("taste"), pairs(120), grades(238)))
        .hasMessage(
            "INVALID_ARGUMENT: metadata.idempotency_key: 'k' was used for another training");
    assertThat(ended(begun).getState()).isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
  }

  @Test
  void aPlanThatCannotBeIsRefusedBeforeAnythingIsSent() {
    refused("plan.objectives: none (expected: at least one)", objectives("taste"));
    refused(
        "plan.objectives[1].name: \"Cost\" (expected: [a-z][a-z0-9]*(_[a-z0-9]+)*, at most 64 characters)",
        objectives("taste", choice("love", 1), choice("Cost", 1)));
    refused(
        "plan.objectives[0].weight: 0.0 (expected: 0.001 to 1000, or the negative of that)",
        objectives("taste", choice("love", 0)));
    refused(
        "plan.objectives[0].weight: NaN (expected: 0.001 to 1000, or the negative of that)",
        objectives("taste", choice("love", Double.NaN)));
    refused(
        "plan.objectives[1].name: \"love\" (expected: none that is another's)",
        objectives("taste", choice("love", 1), choice("love", 2)));
    refused(
        "plan.objectives[0].file_name: expected: at most 128 characters of [A-Za-z0-9._-]",
        objectives("taste", choice("love", 1).toBuilder().setFileName("../x").build()));
    refused(
        "plan.objectives: 17 (expected: at most 16)",
        objectives(
            "taste", Collections.nCopies(17, choice("love", 1)).toArray(ObjectiveChoice[]::new)));
  }

  private void refused(String message, TrainingPlan plan) {
    assertThatThrownBy(() -> startMessages(List.of(first("k", plan))))
        .hasMessage("INVALID_ARGUMENT: " + message);
  }

  @Test
  void whatIsWrongWithAFileNamesItsObjective() {
    assertThatThrownBy(() -> startBoth("k", loveAndCost("taste"), pairs(120), "{}\nno JSON\n"))
        .hasMessageStartingWith(
            "INVALID_ARGUMENT: cost: cost.jsonl: 2 bad rows: row 1: neither chosen and rejected nor"
                + " completion; row 2: column ")
        .satisfies(
            thrown -> {
              ErrorInfo info =
                  Objects.requireNonNull(StatusProto.fromThrowable(thrown))
                      .getDetailsList()
                      .stream()
                      .filter(detail -> detail.is(ErrorInfo.class))
                      .findFirst()
                      .orElseThrow()
                      .unpack(ErrorInfo.class);
              assertThat(info.getMetadataMap())
                  .containsKeys("rows[1]", "rows[2]")
                  .containsEntry("objective", "cost");
            });
    assertThatThrownBy(() -> startBoth("k", loveAndCost("taste"), pairs(120), ""))
        .hasMessage(
            "INVALID_ARGUMENT: cost: cost.jsonl: no judgements (expected: pairs or grades)");
    assertThatThrownBy(() -> startBoth("k", loveAndCost("taste"), "\n".repeat(50), grades(4)))
        .hasMessage(
            "INVALID_ARGUMENT: love: love.jsonl: no judgements (expected: pairs or grades)");
    assertThat(data.resolve("models/taste")).doesNotExist();
  }

  @Test
  void piecesThatAreNotThePlansNextNameWhatWasExpected() {
    for (String other : List.of("cost", "Love", "")) {
      misplaced(
          other,
          "\"love\"; files come in the plan's order, and none is empty",
          bytes(other, grades(4)));
    }
    misplaced(
        "love",
        "nothing after the file of \"cost\", the plan's last",
        bytes("love", pairs(3)),
        bytes("cost", grades(4)),
        bytes("love", pairs(3)));
    misplaced(
        "help",
        "\"cost\"; files come in the plan's order, and none is empty",
        bytes("love", pairs(3)),
        bytes("help", pairs(3)));
    assertThatThrownBy(
            () -> startMessages(List.of(first("k", upload("taste")), bytes("love", pairs(3)))))
        .hasMessage(
            "INVALID_ARGUMENT: objective_name: \"love\" (expected: none, there is one file)");
  }

  private void misplaced(String given, String expected, StartTrainingRequest... pieces) {
    List<StartTrainingRequest> messages =
        new ArrayList<>(List.of(first("k", loveAndCost("taste"))));
    messages.addAll(List.of(pieces));
    assertThatThrownBy(() -> startMessages(messages))
        .hasMessage(
            "INVALID_ARGUMENT: objective_name: \"%s\" (expected: %s)".formatted(given, expected));
  }

  @Test
  void filesThatAreNotWholeInTimeNameTheObjectiveThatWasComing() {
    server.close();
    server = startServer(Map.of("ballast.reward.training.upload-timeout", "PT0.2S"));
    Answer answer = new Answer();
    StreamObserver<StartTrainingRequest> requests = async().startTraining(answer);
    requests.onNext(first("k", loveAndCost("taste")));
    assertThatThrownBy(answer::join)
        .hasMessage(
            "UNAVAILABLE: love: love.jsonl: not whole after 200 ms, the limit of all files");
  }

  @Test
  void anObjectiveOfWhichTooLittleIsSaidFailsTheTrainingByItsName() {
    RewardTraining ended =
        ended(startBoth("k", loveAndCost("taste"), pairs(120), grades(2)).getTraining());
    assertThat(ended.getState()).isEqualTo(TrainingState.TRAINING_STATE_FAILED);
    assertThat(ended.getFailure().getReason()).isEqualTo("UNUSABLE_DATA");
    assertThat(ended.getFailure().getMessage()).startsWith("cost: ").contains("part: no grades");
  }
}
