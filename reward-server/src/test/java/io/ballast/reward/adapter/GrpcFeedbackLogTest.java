package io.ballast.reward.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.policy.v1.ReactionKind;
import io.ballast.reward.core.training.FeedbackSource.Query;
import io.ballast.reward.testing.FakeFeedback;
import io.ballast.training.data.JudgementData;
import io.ballast.training.feedback.FeedbackForm;
import io.ballast.training.feedback.FeedbackRules;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What people did becomes judgements, and nothing that nobody said does. */
@Timeout(value = 30, unit = TimeUnit.SECONDS)
class GrpcFeedbackLogTest {
  private static final Query ALL =
      new Query("", Optional.empty(), FeedbackRules.of(FeedbackForm.GRADES));

  private final FakeFeedback feedback = new FakeFeedback();
  private final Server server;
  private final ManagedChannel channel;

  GrpcFeedbackLogTest() throws IOException {
    String name = InProcessServerBuilder.generateName();
    server = InProcessServerBuilder.forName(name).addService(feedback).build().start();
    channel = InProcessChannelBuilder.forName(name).build();
  }

  @AfterEach
  void stop() {
    channel.shutdownNow();
    server.shutdownNow();
  }

  @Test
  void aReactionThatIsNotKnownHereIsNoJudgement() {
    feedback.reacted(
        ReactionKind.REACTION_KIND_LOVE,
        ReactionKind.REACTION_KIND_DISLIKE,
        ReactionKind.REACTION_KIND_UNSPECIFIED);

    JudgementData data = read(events -> {});

    assertThat(data.judgements()).hasSize(2);
    assertThat(data.facts().values()).anyMatch(fact -> fact.contains("no judgement"));
  }

  @Test
  void aStreamThatIsLeftEnds() throws InterruptedException {
    feedback.liked(250);
    feedback.endless = true;

    assertThatThrownBy(
            () ->
                read(
                    events -> {
                      throw new IllegalStateException("enough at " + events);
                    }))
        .hasMessage("enough at 500");
    feedback.awaitLeft();
  }

  private JudgementData read(LongConsumer progress) {
    return new GrpcFeedbackLog(channel, Duration.ofMinutes(1)).read(ALL, progress);
  }
}
