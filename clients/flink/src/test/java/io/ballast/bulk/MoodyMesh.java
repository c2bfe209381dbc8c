package io.ballast.bulk;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.rpc.Code;
import com.google.rpc.RetryInfo;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.Priority;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.grpc.Context;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * A Score on loopback whose values follow from the texts, whose failures follow from the prompts,
 * and whose moods follow from a seed. It notes what a caller does wrong.
 */
final class MoodyMesh extends RewardServiceGrpc.RewardServiceImplBase implements AutoCloseable {
  static final int WAIT_MILLIS = 40;

  private final Server server;
  private final SplittableRandom chance = new SplittableRandom(20261129);
  private final Map<String, Long> notBefore = new HashMap<>();
  private final Map<String, Integer> askedItems = new HashMap<>();
  private final List<Runnable> held = new ArrayList<>();
  private final List<String> wrongs = new ArrayList<>();
  private double moodiness;
  private boolean away;
  private long itemsUntilHold = Long.MAX_VALUE;
  private CountDownLatch holding = new CountDownLatch(1);
  private String weights = "a".repeat(64);
  private int underWay;
  private int mostUnderWay;
  private int refusals;

  MoodyMesh() throws IOException {
    server =
        Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
            .addService(this)
            .build()
            .start();
  }

  String target() {
    return "127.0.0.1:" + server.getPort();
  }

  /** What a completion is worth. */
  static double value(String prompt, String completion) {
    return (prompt + '\n' + completion).hashCode() / 1_000_003.0;
  }

  /** What a prompt fails with. */
  static Optional<FailureReason> failure(String prompt) {
    if (prompt.startsWith("long ")) {
      return Optional.of(FailureReason.FAILURE_REASON_TOO_LONG);
    }
    return prompt.startsWith("broken ")
        ? Optional.of(FailureReason.FAILURE_REASON_MODEL_ERROR)
        : Optional.empty();
  }

  /** This share of the calls is refused, and as much of the items of others at their first time. */
  synchronized void moodiness(double share) {
    moodiness = share;
  }

  synchronized void away(boolean value) {
    away = value;
  }

  synchronized void weights(String sha256) {
    weights = sha256;
  }

  /** After so many items more calls get no answer, until {@link #goOn}. */
  synchronized void holdAfter(long items) {
    itemsUntilHold = items;
    holding = new CountDownLatch(1);
  }

  void awaitHold() throws InterruptedException {
    CountDownLatch latch;
    synchronized (this) {
      latch = holding;
    }
    if (!latch.await(60, TimeUnit.SECONDS)) {
      throw new AssertionError("nobody asks so much");
    }
  }

  /** Answers what was held, to whomever is still there. */
  synchronized void goOn() {
    itemsUntilHold = Long.MAX_VALUE;
    held.forEach(Runnable::run);
    held.clear();
  }

  /** Answers one of those that are held. */
  synchronized void answerOne() {
    if (!held.isEmpty()) {
      held.removeFirst().run();
    }
  }

  /** Returns what callers did wrong. */
  synchronized List<String> wrongs() {
    return List.copyOf(wrongs);
  }

  synchronized int mostUnderWay() {
    return mostUnderWay;
  }

  synchronized int refusals() {
    return refusals;
  }

  /** Callers that were killed are under way no more. */
  synchronized void forgetCallers() {
    underWay = 0;
    notBefore.clear();
  }

  @Override
  public synchronized void score(ScoreRequest request, StreamObserver<ScoreResponse> observer) {
    underWay++;
    mostUnderWay = Math.max(mostUnderWay, underWay);
    if (Context.current().getDeadline() == null) {
      wrongs.add("a call without a deadline");
    }
    if (request.getMetadata().getPriority() != Priority.PRIORITY_BATCH) {
      wrongs.add("a call in the lane " + request.getMetadata().getPriority());
    }
    String key = key(request.getItems(0));
    Long earliest = notBefore.remove(key);
    if (earliest != null && System.nanoTime() < earliest) {
      wrongs.add("asked again before RetryInfo's time");
    }
    if (away) {
      refuse(observer, Status.UNAVAILABLE.withDescription("away").asRuntimeException());
      return;
    }
    if (chance.nextDouble() < moodiness) {
      if (chance.nextBoolean()) {
        notBefore.put(key, System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(WAIT_MILLIS));
        refuse(observer, overloaded());
      } else {
        refuse(observer, Status.UNAVAILABLE.withDescription("a bad moment").asRuntimeException());
      }
      return;
    }
    if (itemsUntilHold <= 0) {
      held.add(() -> answer(request, observer));
      holding.countDown();
      return;
    }
    itemsUntilHold -= request.getItemsCount();
    answer(request, observer);
  }

  private static String key(ScoreItem item) {
    return item.getPrompt().getText() + '\n' + item.getCompletion().getText();
  }

  private static RuntimeException overloaded() {
    return StatusProto.toStatusRuntimeException(
        com.google.rpc.Status.newBuilder()
            .setCode(Code.RESOURCE_EXHAUSTED_VALUE)
            .setMessage("reward models are busy")
            .addDetails(
                Any.pack(
                    RetryInfo.newBuilder()
                        .setRetryDelay(Duration.newBuilder().setNanos(WAIT_MILLIS * 1_000_000))
                        .build()))
            .build());
  }

  private void refuse(StreamObserver<ScoreResponse> observer, RuntimeException why) {
    underWay--;
    refusals++;
    observer.onError(why);
  }

  private void answer(ScoreRequest request, StreamObserver<ScoreResponse> observer) {
    ScoreResponse.Builder response =
        ScoreResponse.newBuilder()
            .setModelVersion(
                ModelVersion.newBuilder()
                    .setModel("moody")
                    .setVersion("7")
                    .setWeightsSha256(weights));
    for (ScoreItem item : request.getItemsList()) {
      response.addResults(result(item));
    }
    underWay--;
    try {
      observer.onNext(response.build());
      observer.onCompleted();
    } catch (IllegalStateException | io.grpc.StatusRuntimeException e) {
      // the caller was killed
    }
  }

  private ScoreResult result(ScoreItem item) {
    String prompt = item.getPrompt().getText();
    String completion = item.getCompletion().getText();
    ScoreResult.Builder result = ScoreResult.newBuilder().setItemId(item.getItemId());
    Optional<FailureReason> failure = failure(prompt);
    if (failure.isPresent()) {
      return result.setFailure(failure(failure.get())).build();
    }
    if (askedItems.merge(key(item), 1, Integer::sum) == 1 && chance.nextDouble() < moodiness) {
      return result.setFailure(failure(FailureReason.FAILURE_REASON_OVERLOADED)).build();
    }
    return result.setValue(value(prompt, completion)).setSpread(0.25).build();
  }

  private static ItemFailure failure(FailureReason reason) {
    return ItemFailure.newBuilder().setReason(reason).setMessage("as the prompt asks").build();
  }

  @Override
  public void close() {
    server.shutdownNow();
  }
}
