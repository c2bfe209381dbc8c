package io.ballast.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Timestamp;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.reward.v1.FeedbackChoice;
import io.ballast.reward.v1.GetTrainingRequest;
import io.ballast.reward.v1.ListTrainingsRequest;
import io.ballast.reward.v1.RewardTraining;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.TrainingPhase;
import io.ballast.reward.v1.TrainingPlan;
import io.ballast.reward.v1.TrainingSplit;
import io.ballast.reward.v1.TrainingState;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The server trains what it will serve, on the decoder that comes along, and tells of it. */
class RewardTrainingServiceTest extends TrainingServerCase {
  @Test
  void anUploadBecomesAVersionThatCanBeAskedAtOnceAndNoAliasMoves() {
    RewardTraining begun = start("k", upload("taste"), pairs(120)).getTraining();
    assertThat(begun.getState()).isEqualTo(TrainingState.TRAINING_STATE_RUNNING);

    List<RewardTraining> seen = watch(begun.getTrainingId());

    RewardTraining ended = seen.getLast();
    assertThat(ended.getState()).as("%s", ended).isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
    assertThat(seen.getFirst().getStartTime()).isEqualTo(begun.getStartTime());
    assertThat(ended.getProgress().getPhase()).isEqualTo(TrainingPhase.TRAINING_PHASE_PUBLISHING);
    assertThat(ended.getResult().getMembersList()).hasSize(2);
    assertThat(ended.getResult().getEnsemble().getValuesMap())
        .containsKey("cautious_within_prompt_accuracy");
    assertThat(facts(ended))
        .contains("judgements: 120 pairs and 0 graded completions, 240 completions of 120 prompts");
    assertThat(ended.getCommand())
        .isEqualTo(
            "./mesh reward train pairs.jsonl --name taste/1 --trunk java-tiny/1 --members 2 --head layered"
                + " --label-smoothing 0.0 --flip 0.0 --split-by prompt --held-out 10"
                + " --max-prompt-tokens 96 --epochs 2 --seed 1");

    ScoreResponse trained = score(ModelSelector.newBuilder().setModel("taste").setVersion("1"));
    assertThat(trained.getResults(0).hasValue()).isTrue();
    assertThat(trained.getModelVersion()).isEqualTo(ended.getResult().getModelVersion());
    assertThat(score(ModelSelector.newBuilder()).getModelVersion().getModel())
        .as("serving of the default")
        .isEqualTo("java-reward");
    assertThat(data.resolve("reward-trainings/uploads")).doesNotExist();
    assertThat(data.resolve("reward-trainings/work")).doesNotExist();
    assertThat(started()).isEqualTo(1);
    assertThat(ended("succeeded")).isEqualTo(1);
    assertThat(time("succeeded").count()).isEqualTo(1);
    assertThat(ended("failed") + ended("cancelled") + ended("interrupted")).isZero();
  }

  @Test
  void aNewerVersionServesOnlyAfterARestart() {
    ModelSelector.Builder taste = ModelSelector.newBuilder().setModel("taste");
    ended(start("k1", upload("taste"), pairs(120)).getTraining());
    assertThat(score(taste).getModelVersion().getVersion()).isEqualTo("1");

    assertThat(ended(start("k2", upload("taste"), pairs(121)).getTraining()).getVersion())
        .isEqualTo("2");
    assertThat(score(taste.clone().setVersion("2")).getModelVersion().getVersion()).isEqualTo("2");
    assertThat(score(taste).getModelVersion().getVersion()).as("serving").isEqualTo("1");

    server.close();
    server = startServer(Map.of());
    assertThat(score(taste).getModelVersion().getVersion()).isEqualTo("2");
  }

  @Test
  void theMeshsFeedbackBecomesAVersion() {
    feedback.liked(100);
    TrainingPlan plan =
        plan("liked/7")
            .setOptions(options().setSplit(TrainingSplit.TRAINING_SPLIT_TIME))
            .setFeedback(
                FeedbackChoice.newBuilder()
                    .setSinceTime(Timestamp.newBuilder().setSeconds(1_700_000_000L))
                    .setSuggestionsPerUser(1_000))
            .build();

    RewardTraining ended = ended(start("k", plan, "").getTraining());

    assertThat(ended.getState()).as("%s", ended).isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
    assertThat(feedback.asked.getSinceTime().getSeconds()).isEqualTo(1_700_000_000L);
    assertThat(feedback.asked.getMetadata().getTenant()).isEqualTo("default");
    assertThat(facts(ended))
        .contains(
            "feedback: 200 events; 200 suggestions of 1 user, at most 1,000 of one",
            "loss: likelihood of the grades",
            "prompts, split by time: 80 to train, 10 to stop and calibrate, 10 to measure");
    assertThat(
            score(ModelSelector.newBuilder().setModel("liked").setVersion("7"))
                .getResults(0)
                .hasValue())
        .isTrue();
  }

  @Test
  void aTrainingOfAnotherTenantDoesNotExist() {
    RewardTraining begun = start("k", upload("taste"), pairs(120)).getTraining();
    assertThatThrownBy(() -> get(begun, "other"))
        .hasMessage("NOT_FOUND: no training " + begun.getTrainingId());
    assertThat(
            stub()
                .listTrainings(
                    ListTrainingsRequest.newBuilder()
                        .setMetadata(RequestMetadata.newBuilder().setTenant("other"))
                        .build())
                .getTrainingsList())
        .isEmpty();
    assertThatThrownBy(
            () -> stub().getTraining(GetTrainingRequest.newBuilder().setTrainingId("7").build()))
        .hasMessage("INVALID_ARGUMENT: training_id: 1 characters (expected: a UUID)");
    assertThat(ended(begun).getState()).isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
  }
}
