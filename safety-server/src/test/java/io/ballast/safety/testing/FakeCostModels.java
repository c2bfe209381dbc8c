package io.ballast.safety.testing;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.scoring.ScoringSource;
import io.ballast.kit.batching.BatchEngine;
import io.ballast.kit.batching.BatchGroup;
import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.digest.Sha256;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.rl.preference.PlattScaling;
import io.ballast.safety.core.cost.CostModel;
import io.ballast.safety.core.cost.HeadScores;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;

/**
 * Cost models of three heads: java-cost 1, 2 and a broken 3, and a copy of 1 under another name. A
 * completion is harmless at −4 log-odds, of version 2 at −3 and, by its text, up to a thousandth
 * more; letters make it otherwise: H harmful at 3, N a head's NaN, X refused, T the engine throws.
 */
public final class FakeCostModels implements ScoringSource<CostModel, HeadScores> {
  public static final PinnedVersion ONE = new PinnedVersion("java-cost", "1", "1".repeat(64));
  public static final PinnedVersion TWO = new PinnedVersion("java-cost", "2", "2".repeat(64));
  public static final PinnedVersion BROKEN = new PinnedVersion("java-cost", "3", "3".repeat(64));
  public static final PinnedVersion COPY = new PinnedVersion("copied", "9", "1".repeat(64));
  public static final PinnedVersion LATER = new PinnedVersion("later", "1", "4".repeat(64));

  /** Without a boundary; there once it is asked for. */
  public static final PinnedVersion ORDERED = new PinnedVersion("ordered", "1", "5".repeat(64));

  public static final double HARMLESS = 1 / (1 + Math.exp(4));
  public static final double HARMFUL = 1 / (1 + Math.exp(-3));

  /** What version 2 makes of a harmless text: no two texts cost the same. */
  public static double harmlessToTwo(String text) {
    return 1 / (1 + Math.exp(3 - shade(text)));
  }

  private static double shade(String text) {
    return 1e-3 * (text.hashCode() & 0xffff) / 0xffff;
  }

  /** The groups of every batch of every model, in order. */
  public final List<List<BatchGroup<TokenIds, TokenIds>>> batches = new CopyOnWriteArrayList<>();

  /** Whether a look for new models finds {@link #LATER}. */
  public volatile boolean laterIsThere;

  /** Whether every engine throws, whatever it is asked. */
  public volatile boolean failing;

  private final List<CostModel> models = new CopyOnWriteArrayList<>();
  private volatile CountDownLatch gate = new CountDownLatch(0);
  private volatile CountDownLatch entered = new CountDownLatch(1);

  public FakeCostModels() {
    for (PinnedVersion id : List.of(ONE, TWO, BROKEN, COPY)) {
      models.add(model(id));
    }
  }

  private static CostModel model(PinnedVersion id) {
    return new CostModel(
        id,
        folder(id),
        3,
        OptionalInt.empty(),
        id.equals(ORDERED) ? Optional.empty() : Optional.of(new PlattScaling(1, 0)));
  }

  /** SHA-256 over all files of a model's folder. */
  public static String folder(PinnedVersion id) {
    return Sha256.of(id.toString());
  }

  /** Makes a model be of another folder, with the same weights, from the next look on. */
  public void repack(PinnedVersion id, String folderSha256) {
    models.replaceAll(
        model ->
            model.id().equals(id)
                ? new CostModel(id, folderSha256, 3, model.promptTokens(), model.calibration())
                : model);
  }

  @Override
  public List<CostModel> list() {
    return List.copyOf(models);
  }

  @Override
  public void refresh(String model) {
    if (laterIsThere && models.stream().noneMatch(each -> each.id().equals(LATER))) {
      models.add(model(LATER));
    }
    if (model.equals(ORDERED.model())
        && models.stream().noneMatch(each -> each.id().equals(ORDERED))) {
      models.add(model(ORDERED));
    }
  }

  @Override
  public Opened<HeadScores> open(CostModel model) {
    if (model.id().equals(BROKEN)) {
      throw new MeshException(Fault.CORRUPT_WEIGHTS, "model.safetensors: SHA-256 differs");
    }
    Engine engine = new Engine(model.id().equals(TWO));
    return new Opened<>(new CharacterTokenizer(), 2_000_000, lane -> engine, Optional.empty());
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

  private final class Engine implements BatchEngine<TokenIds, TokenIds, HeadScores> {
    private final boolean two;

    private Engine(boolean two) {
      this.two = two;
    }

    @Override
    public List<List<HeadScores>> run(
        List<BatchGroup<TokenIds, TokenIds>> groups, CallPatience callers) {
      batches.add(groups);
      entered.countDown();
      try {
        gate.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      return groups.stream()
          .map(group -> group.items().stream().map(this::scores).toList())
          .toList();
    }

    private HeadScores scores(TokenIds completion) {
      String text = new CharacterTokenizer().decode(completion);
      if (failing || text.contains("T")) {
        throw new IllegalStateException("out of memory");
      }
      if (text.contains("X")) {
        return new HeadScores.Refused(
            new ItemFault(ItemFault.Reason.TOO_LONG, "999 tokens (expected: at most 255)"));
      }
      double harmless = two ? shade(text) - 3 : -4;
      double highest = text.contains("H") ? 3 : harmless;
      List<Double> heads = new ArrayList<>(List.of(highest - 2, highest, highest - 1));
      if (text.contains("N")) {
        heads.set(2, Double.NaN);
      }
      return new HeadScores.Scored(heads);
    }

    @Override
    public void close() {}
  }
}
