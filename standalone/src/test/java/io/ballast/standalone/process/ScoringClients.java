package io.ballast.standalone.process;

import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.grpc.Channel;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Have the same texts scored again and again. */
final class ScoringClients {
  private static final Duration PERIOD = Duration.ofMillis(100);
  private static final int CLIENTS = 2;
  private static final long CALL_SECONDS = 60;
  private static final List<String> COMPLETIONS =
      List.of("size();", "get(0);", "isEmpty();", "remove(i);", "toArray();", "null;");

  private final SteadyLoad load;
  private final SameNumbers numbers;
  private final Channel reward;

  private ScoringClients(SteadyLoad load, SameNumbers numbers, int port) {
    this.load = load;
    this.numbers = numbers;
    reward = load.channel(port);
  }

  /** Starts them, at a reward-server's port. */
  static void start(SteadyLoad load, SameNumbers numbers, int port) {
    ScoringClients clients = new ScoringClients(load, numbers, port);
    for (int i = 0; i < CLIENTS; i++) {
      load.client(PERIOD, clients::score);
    }
  }

  private void score() {
    ScoreRequest.Builder request = ScoreRequest.newBuilder().setMetadata(TestCalls.metadata());
    COMPLETIONS.forEach(
        completion ->
            request.addItems(
                ScoreItem.newBuilder()
                    .setPrompt(TextOrTokens.newBuilder().setText("int size = list."))
                    .setCompletion(TextOrTokens.newBuilder().setText(completion))));
    long begin = System.nanoTime();
    ScoreResponse answer =
        RewardServiceGrpc.newBlockingStub(reward)
            .withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS)
            .score(request.build());
    for (int i = 0; i < COMPLETIONS.size(); i++) {
      if (!answer.getResults(i).hasValue()) {
        throw new AssertionError("no score: " + answer.getResults(i));
      }
      numbers.check("score of '" + COMPLETIONS.get(i) + "'", answer.getResults(i).getValue());
    }
    load.rate().succeeded(begin);
  }
}
