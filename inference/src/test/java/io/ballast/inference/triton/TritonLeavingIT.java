package io.ballast.inference.triton;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.CompletionScorer;
import io.ballast.inference.onnx.ScoreOutcome;
import io.ballast.inference.onnx.ScoreOutcome.Scored;
import io.ballast.inference.onnx.ScoringGroup;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.triton.export.ExportOptions;
import io.ballast.inference.triton.export.TritonExport;
import io.ballast.inference.triton.export.TritonExport.Version;
import io.ballast.kit.batching.BatchEngine;
import io.ballast.kit.batching.BatchGroup;
import io.ballast.kit.batching.Batched;
import io.ballast.kit.batching.BatchedAnswers;
import io.ballast.kit.batching.BatchingQueue;
import io.ballast.kit.batching.QueueLimits;
import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.Lane;
import io.ballast.testing.RealTriton;
import io.ballast.testing.TritonInstallation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Who leaves ends its work on the real Triton, and nobody else's; a scoring model that is slow. */
class TritonLeavingIT {
  private static final Path MODELS = Path.of("..", "models");
  private static final ServedModel MODEL = new ServedModel("java-reward", "1");

  /** Tokens with which a row takes so many hundredths of a second. */
  private static final int A_SECOND_AND_A_HALF = 150;

  private static final int FORTY_SECONDS = 4_000;
  private static final int AT_ONCE = 1;

  private static final RealTriton SERVER = start();
  private static final KServeConnection CONNECTION =
      KServeConnection.open(SERVER.address(), KServeSettings.defaults());

  private final ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor();
  private final BatchingQueue<TokenIds, TokenIds, Optional<ScoreOutcome>> queue =
      new BatchingQueue<>(
          "scores",
          new Engine(TritonScorer.open(CONNECTION.client(), MODEL, OptionalLong.empty())),
          fault -> Optional.empty(),
          new QueueLimits(2, Duration.ofHours(1), 100, 1), // a batch is two callers
          System::nanoTime);

  private record Engine(CompletionScorer scorer)
      implements BatchEngine<TokenIds, TokenIds, Optional<ScoreOutcome>> {
    @Override
    public List<List<Optional<ScoreOutcome>>> run(
        List<BatchGroup<TokenIds, TokenIds>> groups, CallPatience callers) {
      List<ScoringGroup> asked =
          groups.stream().map(group -> new ScoringGroup(group.key(), group.items())).toList();
      return scorer.score(asked, callers).stream()
          .map(group -> group.stream().map(Optional::of).toList())
          .toList();
    }

    @Override
    public void close() {
      scorer.close();
    }
  }

  /** A caller with a deadline, who may leave before. */
  private record Caller(Duration deadline, CompletableFuture<Void> left) implements CallPatience {
    static Caller within(Duration deadline) {
      return new Caller(deadline, new CompletableFuture<>());
    }

    @Override
    public Optional<Duration> remaining() {
      return Optional.of(deadline);
    }

    @Override
    public boolean cancelled() {
      return left.isDone();
    }

    @Override
    public void onCancel(Runnable action) {
      var unused = left.thenRun(action);
    }
  }

  private static RealTriton start() {
    try {
      Path repository = Files.createTempDirectory("triton-slow");
      Path entry =
          new TritonExport(repository, ExportOptions.defaults())
              .scoring(
                  MODEL.name(),
                  List.of(new Version(1, MODELS.resolve("java-reward/1"))),
                  trunk -> MODELS.resolve("java-tiny/1"));
      Files.copy(
          TritonInstallation.FILES.resolve("slow_scorer.py"),
          entry.resolve("1/model.py"),
          StandardCopyOption.REPLACE_EXISTING);
      RealTriton server = RealTriton.start(repository, MODEL.name());
      ModelStore.deleteAll(repository);
      return server;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @AfterAll
  static void stop() {
    CONNECTION.close();
    SERVER.close();
  }

  @BeforeEach
  void clearNotes() {
    SERVER.clearNotes();
  }

  @AfterEach
  void close() {
    queue.close();
    callers.close();
  }

  private Future<Optional<ScoreOutcome>> ask(int token, Caller caller) {
    BatchGroup<TokenIds, TokenIds> group =
        new BatchGroup<>(TokenIds.of(token), List.of(TokenIds.of(1)), 1);
    return callers.submit(
        () -> {
          Map<TokenIds, Batched<Optional<ScoreOutcome>>> answers =
              new BatchedAnswers(Duration.ofMinutes(1), Duration.ZERO, System::nanoTime)
                  .ask(queue, List.of(group), Lane.INTERACTIVE, caller, fault -> Optional.empty());
          return answers.values().iterator().next().results().getFirst();
        });
  }

  @Test
  void aBatchGoesOnWhileOneOfItsCallersWaits() throws Exception {
    var leaves = ask(AT_ONCE, Caller.within(Duration.ofMillis(200)));
    var waits = ask(A_SECOND_AND_A_HALF, Caller.within(Duration.ofSeconds(30)));

    assertThat(leaves.get()).as("it is answered at its deadline").isEmpty();
    assertThat(SERVER.notes()).containsExactly("asked 2");
    assertThat(waits.get()).get().isInstanceOf(Scored.class);
    assertThat(SERVER.notes()).containsExactly("asked 2", "answered 2");
  }

  @Test
  void theLastOfItsCallersCancelsItAtItsDeadline() throws Exception {
    var one = ask(AT_ONCE, Caller.within(Duration.ofMillis(200)));
    var other = ask(FORTY_SECONDS, Caller.within(Duration.ofMillis(700)));

    assertThat(one.get()).isEmpty();
    assertThat(other.get()).isEmpty();
    SERVER.awaitNote("cancelled 2"); // in 10 s; Triton itself would wait for 30

    freeAgain();
  }

  @Test
  void callersThatCloseTheirCallsCancelItAtOnce() throws Exception {
    Caller one = Caller.within(Duration.ofMinutes(1));
    Caller two = Caller.within(Duration.ofMinutes(1));
    ask(AT_ONCE, one);
    ask(FORTY_SECONDS, two);
    SERVER.awaitNote("asked 2");

    one.left().complete(null);
    two.left().complete(null);

    SERVER.awaitNote("cancelled 2");
    freeAgain();
  }

  private void freeAgain() throws Exception {
    var next = ask(AT_ONCE, Caller.within(Duration.ofSeconds(30)));
    var after = ask(AT_ONCE + 1, Caller.within(Duration.ofSeconds(30)));

    assertThat(next.get()).get().isInstanceOf(Scored.class);
    assertThat(after.get()).get().isInstanceOf(Scored.class);
  }
}
