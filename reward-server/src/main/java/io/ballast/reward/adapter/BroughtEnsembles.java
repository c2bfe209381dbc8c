package io.ballast.reward.adapter;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.brought.BroughtFolders;
import io.ballast.inference.brought.BroughtFolders.Found;
import io.ballast.inference.brought.BroughtManifest;
import io.ballast.inference.brought.BroughtMember;
import io.ballast.inference.brought.BroughtScorer;
import io.ballast.inference.brought.MemberScore;
import io.ballast.inference.scoring.KeptScores;
import io.ballast.inference.scoring.ScoringFaults;
import io.ballast.inference.scoring.ScoringInput;
import io.ballast.inference.scoring.ScoringRow;
import io.ballast.inference.scoring.ScoringSource;
import io.ballast.kit.batching.BatchEngine;
import io.ballast.kit.batching.BatchGroup;
import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.reward.core.CompletionScores;
import io.ballast.reward.core.Ensemble;
import io.ballast.reward.core.Member;
import io.ballast.reward.core.MemberOutcome;
import io.ballast.rl.aggregation.MemberScale;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/** Ensembles of classifiers that somebody brought, in model folders. Thread-safe. */
public final class BroughtEnsembles implements ScoringSource<Ensemble, CompletionScores> {
  private final BroughtFolders folders;
  private final Map<PinnedVersion, BroughtScorer> open = new ConcurrentHashMap<>();
  private final Map<PinnedVersion, String> refused = new ConcurrentHashMap<>();
  private volatile List<Found> found;

  /** Looks through the folders. */
  public BroughtEnsembles(BroughtFolders folders) {
    this.folders = folders;
    this.found = folders.list();
  }

  @Override
  public void refresh(String model) {
    found = folders.list();
  }

  @Override
  public List<Ensemble> list() {
    return found.stream().map(BroughtEnsembles::ensemble).toList();
  }

  private static Ensemble ensemble(Found found) {
    List<Member> members = new ArrayList<>();
    for (BroughtMember member : found.manifest().members()) {
      members.add(
          new Member(
              new PinnedVersion(member.name(), member.nameVersion(), member.sha256().orElse("")),
              new MemberScale(member.scale().mean(), member.scale().std()),
              OptionalDouble.empty(), // nobody measured its temperature
              OptionalDouble.empty()));
    }
    return new Ensemble(found.id(), members, OptionalInt.of(0), OptionalDouble.empty());
  }

  @Override
  public boolean isElsewhere(String model) {
    return found.stream()
        .anyMatch(each -> each.id().model().equals(model) && isElsewhere(each.manifest()));
  }

  private static boolean isElsewhere(BroughtManifest manifest) {
    return manifest.members().stream().anyMatch(member -> member.triton().isPresent());
  }

  /** {@inheritDoc} Of ensembles that have been asked: before, nobody has looked at their Triton. */
  @Override
  public Map<String, String> flaws() {
    Map<String, String> flaws = new TreeMap<>();
    for (Found each : found) {
      BroughtScorer scorer = open.get(each.id());
      String flaw =
          scorer == null ? refused.getOrDefault(each.id(), "") : scorer.noneReady().orElse("");
      if (!flaw.isEmpty() && isElsewhere(each.manifest())) {
        flaws.put(each.id().model() + " " + each.id().version(), flaw);
      }
    }
    return flaws;
  }

  private Optional<Found> folder(Ensemble ensemble) {
    return found.stream().filter(each -> each.id().equals(ensemble.id())).findFirst();
  }

  @Override
  public Optional<KeptScores> golden(Ensemble ensemble) {
    try {
      return folder(ensemble).map(folders::golden);
    } catch (ModelException e) {
      throw new MeshException(ScoringFaults.of(e.reason()), String.valueOf(e.getMessage()), e);
    }
  }

  @Override
  public Opened<CompletionScores> open(Ensemble ensemble) {
    Found folder =
        folder(ensemble)
            .orElseThrow(
                () -> new MeshException(Fault.UNKNOWN_MODEL, ensemble.id() + ": not in a folder"));
    try {
      BroughtScorer scorer = folders.open(folder);
      refused.remove(folder.id());
      open.put(folder.id(), scorer);
      Engine engine = new Engine(scorer, () -> open.remove(folder.id(), scorer));
      return new Opened<>(new ScoringInput.Whole(scorer), lane -> engine, Optional.empty());
    } catch (ModelException e) {
      throw new MeshException(ScoringFaults.of(e.reason()), String.valueOf(e.getMessage()), e);
    } catch (MeshException e) {
      refused.put(folder.id(), String.valueOf(e.getMessage()));
      throw e;
    }
  }

  /** Rows of many callers, scored by every member; equal rows once. */
  private record Engine(BroughtScorer scorer, Runnable forget)
      implements BatchEngine<TokenIds, TokenIds, CompletionScores> {
    @Override
    public List<List<CompletionScores>> run(
        List<BatchGroup<TokenIds, TokenIds>> groups, CallPatience callers) {
      List<ScoringRow> rows =
          groups.stream()
              .flatMap(
                  group -> group.items().stream().map(item -> new ScoringRow(group.key(), item)))
              .distinct()
              .toList();
      List<List<MemberScore>> scores = scorer.score(rows, callers);
      Map<ScoringRow, CompletionScores> judged = new HashMap<>();
      for (int i = 0; i < rows.size(); i++) {
        judged.put(rows.get(i), judged(scores.get(i)));
      }
      return groups.stream()
          .map(
              group ->
                  group.items().stream()
                      .map(
                          item ->
                              Objects.requireNonNull(judged.get(new ScoringRow(group.key(), item))))
                      .toList())
          .toList();
    }

    private static CompletionScores judged(List<MemberScore> scores) {
      return new CompletionScores.Judged(
          scores.stream()
              .<MemberOutcome>map(
                  score ->
                      switch (score) {
                        case MemberScore.Value(double value) -> new MemberOutcome.Raw(value);
                        case MemberScore.Missing missing ->
                            new MemberOutcome.Missing(missing.fault());
                      })
              .toList());
    }

    @Override
    public void close() {
      forget.run();
      scorer.close();
    }
  }
}
