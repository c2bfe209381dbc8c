package io.ballast.orchestrator.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.torch.HandedCopies;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.TraineeOptions;
import io.ballast.orchestrator.core.learner.WhichWeights;
import io.ballast.orchestrator.testing.TinyModel;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Weights in training are handed over without a folder, where there is room for it. */
class HandedWeightsTest extends TraineeCase {
  @Test
  void whatIsHandedOverIsWhatWouldBePublishedUntilItIsClosed() {
    HandedCopies copies = new HandedCopies();
    loader = loader.handingTo(copies);
    for (TraineeOptions options :
        List.of(PLAIN.withCritic(true), PLAIN.withAdapters(adapters(2)))) {
      try (Trainee trainee = open(options)) {
        String name = options.adapters().isPresent() ? "adapted" : "whole";
        for (int i = 1; i <= 3; i++) {
          var unused = train(trainee, options.critic());
          String version = name + "-" + i;
          PinnedVersion handed = trainee.handOver("rollout", version).orElseThrow();
          assertThat(trainee.handOver("rollout", version)).as("again").contains(handed);
          assertThat(
                  folders.publish(
                      "rollout",
                      version,
                      Map.of(),
                      folder -> trainee.publish(folder, WhichWeights.CURRENT)))
              .isEqualTo(handed);
        }
        assertThatThrownBy(
                () -> {
                  var unused = train(trainee, options.critic());
                  var unusedVersion = trainee.handOver("rollout", name + "-3");
                })
            .isInstanceOfSatisfying(
                MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.ALREADY_EXISTS));
        assertThat(copies.find("rollout", name + "-1")).isEmpty();
      }
      assertThat(copies.find("rollout", "whole-3")).isEmpty();
      assertThat(copies.find("rollout", "adapted-3")).isEmpty();
    }
  }

  @Test
  void theLastTwoThatWereHandedOverAreThere() {
    HandedCopies copies = new HandedCopies();
    loader = loader.handingTo(copies);
    try (Trainee trainee = open(PLAIN)) {
      for (String version : List.of("1", "2", "3")) {
        assertThat(trainee.handOver("rollout", version)).isPresent();
      }
      assertThat(copies.find("rollout", "1")).isEmpty();
      for (String version : List.of("2", "3")) {
        copies.find("rollout", version).orElseThrow().close();
      }
    }
    assertThat(copies.find("rollout", "3")).isEmpty();
  }

  @Test
  void withoutSomebodyToHandToOrTheRoomForItNothingIsHandedOver() {
    PinnedVersion base = TinyModel.BASE;
    long needed = loader.memoryBytes(base, PLAIN);
    // passes keep a quarter of what there is
    HandedCopies copies = new HandedCopies();
    try (Trainee alone = open(PLAIN);
        Trainee roomy = loader(needed * 4 / 3 + 2).handingTo(copies).load(base, PLAIN);
        Trainee narrow = loader(needed * 4 / 3 - 2).handingTo(copies).load(base, PLAIN)) {
      assertThat(alone.handOver("rollout", "1")).isEmpty();
      assertThat(narrow.handOver("rollout", "1")).isEmpty();
      assertThat(copies.find("rollout", "1")).isEmpty();
      assertThat(roomy.handOver("rollout", "1")).isPresent();
    }
  }
}
