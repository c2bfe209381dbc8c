package io.ballast.reward.testing;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.scoring.ScoringSource;
import io.ballast.kit.batching.BatchEngine;
import io.ballast.kit.batching.BatchGroup;
import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.reward.core.CompletionScores;
import io.ballast.reward.core.Ensemble;
import io.ballast.reward.core.Member;
import io.ballast.reward.core.MemberOutcome;
import io.ballast.rl.aggregation.MemberScale;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;

/**
 * Two ensembles of three members, versions 1 and a broken 2, and a version 3 when a test wants it.
 * Member k gives a completion its length times k + 1, and of version 3 {@link #MORE} more; its
 * scale has mean k and standard deviation 2. Letters in a completion make trouble: N a member's
 * NaN, I its infinity, S its smallest number above 0, E a member's error, L a late member, X all
 * members refuse, F one completion of the prompt has no answer, and T the engine throws.
 */
public final class FakeEnsembles implements ScoringSource<Ensemble, CompletionScores> {
  public static final int MEMBERS = 3;
  public static final int CONTEXT_TOKENS = 2_000_000;

  /** What each member of version 3 gives more than that of version 1. */
  public static final double MORE = 10;

  /** The groups of every batch, in order. */
  public final List<List<BatchGroup<TokenIds, TokenIds>>> batches = new CopyOnWriteArrayList<>();

  /** Whether there is a version 3. */
  public volatile boolean thirdIsThere;

  private volatile CountDownLatch gate = new CountDownLatch(0);
  private volatile CountDownLatch entered = new CountDownLatch(1);

  @Override
  public List<Ensemble> list() {
    return thirdIsThere
        ? List.of(ensemble("1"), ensemble("2"), ensemble("3"))
        : List.of(ensemble("1"), ensemble("2"));
  }

  private static Ensemble ensemble(String version) {
    String sha = version.repeat(64);
    List<Member> members = new ArrayList<>();
    for (int k = 0; k < MEMBERS; k++) {
      members.add(
          new Member(
              new PinnedVersion("java-reward/" + k, version, sha),
              new MemberScale(k, 2),
              OptionalDouble.empty(),
              OptionalDouble.of(0.7 + k / 100.0)));
    }
    return new Ensemble(
        new PinnedVersion("java-reward", version, sha),
        members,
        OptionalInt.empty(),
        OptionalDouble.of(0.75));
  }

  @Override
  public Opened<CompletionScores> open(Ensemble ensemble) {
    if (ensemble.id().version().equals("2")) {
      throw new MeshException(Fault.CORRUPT_WEIGHTS, "model.safetensors: SHA-256 differs");
    }
    Engine engine = new Engine(ensemble.id().version().equals("3") ? MORE : 0);
    return new Opened<>(new CharacterTokenizer(), CONTEXT_TOKENS, lane -> engine, Optional.empty());
  }

  /** Holds every batch from now on until {@link #release}. */
  public void hold() {
    gate = new CountDownLatch(1);
    entered = new CountDownLatch(1);
  }

  /** Waits until a worker holds a batch. */
  public void awaitHeld() throws InterruptedException {
    entered.await();
  }

  /** Lets batches go on. */
  public void release() {
    gate.countDown();
  }

  private final class Engine implements BatchEngine<TokenIds, TokenIds, CompletionScores> {
    private final double more;

    private Engine(double more) {
      this.more = more;
    }

    @Override
    public List<List<CompletionScores>> run(
        List<BatchGroup<TokenIds, TokenIds>> groups, CallPatience callers) {
      batches.add(groups);
      entered.countDown();
      try {
        gate.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      return groups.stream().map(this::scores).toList();
    }

    private List<CompletionScores> scores(BatchGroup<TokenIds, TokenIds> group) {
      List<CompletionScores> all = group.items().stream().map(this::scores).toList();
      return group.items().stream().anyMatch(item -> has(item, 'F'))
          ? all.subList(0, all.size() - 1)
          : all;
    }

    private CompletionScores scores(TokenIds completion) {
      if (has(completion, 'T')) {
        throw new IllegalStateException("out of memory");
      }
      if (has(completion, 'X')) {
        return new CompletionScores.Refused(
            new ItemFault(ItemFault.Reason.TOO_LONG, "999 tokens (expected: at most 255)"));
      }
      List<MemberOutcome> members = new ArrayList<>();
      for (int k = 0; k < MEMBERS; k++) {
        members.add(new MemberOutcome.Raw(completion.size() * (k + 1.0) + more));
      }
      if (has(completion, 'N')) {
        members.set(1, new MemberOutcome.Raw(Double.NaN));
      }
      if (has(completion, 'I')) {
        members.set(1, new MemberOutcome.Raw(Double.NEGATIVE_INFINITY));
      }
      if (has(completion, 'S')) {
        members.set(1, new MemberOutcome.Raw(Double.MIN_VALUE));
      }
      if (has(completion, 'E')) {
        members.set(
            1,
            new MemberOutcome.Missing(new ItemFault(ItemFault.Reason.MODEL_ERROR, "it crashed")));
      }
      if (has(completion, 'L')) {
        members.set(
            2,
            new MemberOutcome.Missing(
                new ItemFault(ItemFault.Reason.DEADLINE, "no score after 2,000 ms")));
      }
      return new CompletionScores.Judged(members);
    }

    private static boolean has(TokenIds tokens, char letter) {
      for (int i = 0; i < tokens.size(); i++) {
        if (tokens.get(i) == letter) {
          return true;
        }
      }
      return false;
    }

    @Override
    public void close() {}
  }
}
