package io.ballast.inference.brought;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.brought.MemberRows.Reading;
import io.ballast.inference.scoring.ScoringRow;
import io.ballast.inference.scoring.WholeReading;
import io.ballast.inference.store.ModelManifest;
import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * An ensemble of brought classifiers, loaded: reads items, and has every member score them, members
 * side by side. Thread-safe.
 */
public final class BroughtScorer implements WholeReading, AutoCloseable {
  private final List<OpenMember> members = new ArrayList<>();
  private final List<RowText> readers = new ArrayList<>();
  private final List<Integer> readerOf = new ArrayList<>();
  private final boolean tokens;

  private BroughtScorer(boolean tokens) {
    this.tokens = tokens;
  }

  /** Says where a member's folder is. */
  @FunctionalInterface
  public interface Folders {
    /**
     * Returns the folder.
     *
     * @throws ModelException INVALID_FOLDER if there is none
     */
    Path of(BroughtMember member);
  }

  /**
   * Loads the members, whose folders are compared with their checksums and with those that the
   * manifest names.
   *
   * @throws ModelException INVALID_FOLDER if a folder or file is missing, is not what it should be,
   *     or is another than the manifest names; CORRUPT_WEIGHTS if a checksum differs; BROKEN if an
   *     engine refuses a model
   * @throws MeshException DEPENDENCY_DOWN if a member is on a Triton that is not reached
   */
  public static BroughtScorer open(
      BroughtManifest manifest, Folders folders, BroughtEngines engines) {
    BroughtScorer scorer = new BroughtScorer(manifest.readsTokens());
    try {
      Map<List<Object>, Integer> known = new LinkedHashMap<>();
      for (int k = 0; k < manifest.members().size(); k++) {
        BroughtMember member = manifest.members().get(k);
        String at = "members[" + k + "]";
        Optional<Path> folder =
            member.hasFolder() ? Optional.of(folders.of(member)) : Optional.empty();
        Optional<ModelManifest> files = folder.map(own -> files(member, at, own));
        scorer.members.add(OpenMember.open(member, at, folder, engines));
        List<Object> reads = RowText.identity(member, files);
        if (!known.containsKey(reads)) {
          known.put(reads, scorer.readers.size());
          scorer.readers.add(RowText.open(folder, member));
        }
        scorer.readerOf.add(known.getOrDefault(reads, 0));
      }
      return scorer;
    } catch (RuntimeException e) {
      scorer.close();
      throw e;
    }
  }

  private static ModelManifest files(BroughtMember member, String at, Path folder) {
    ModelManifest files =
        ModelManifest.read(folder)
            .orElseThrow(
                () ->
                    new ModelException(
                        Reason.INVALID_FOLDER,
                        folder.resolve(ModelManifest.FILE) + ": the file is missing"));
    String found = files.contentSha256();
    if (member.sha256().isPresent() && !member.sha256().get().equals(found)) {
      throw new ModelException(
          Reason.INVALID_FOLDER,
          "%s.sha256: %s (expected: that of %s, %s)"
              .formatted(at, member.sha256().get(), member.id(), found));
    }
    return files;
  }

  /** The members, shape [K]. */
  public List<BroughtMember> members() {
    return members.stream().map(OpenMember::member).toList();
  }

  /** Why a member that is on Tritons is ready on none of them, as far as it is known by now. */
  public Optional<String> noneReady() {
    return members.stream().flatMap(member -> member.noneReady().stream()).findFirst();
  }

  @Override
  public boolean readsTokens() {
    return tokens;
  }

  @Override
  public int vocabularySize() {
    return members.stream().mapToInt(OpenMember::vocabularySize).min().orElseThrow();
  }

  @Override
  public RowOutcome read(String prompt, String completion) {
    return read(new BroughtItem.Texts(prompt, completion));
  }

  @Override
  public RowOutcome read(TokenIds prompt, TokenIds completion) {
    return read(new BroughtItem.Tokens(prompt, completion));
  }

  /**
   * Reads an item; one that no member can score is refused. A member that cannot read it, by its
   * chat template for example, fails alone when the item is scored.
   *
   * @throws ModelException CLOSED
   */
  public RowOutcome read(BroughtItem item) {
    List<Reading> readings = readers.stream().map(reader -> reading(reader, item)).toList();
    Optional<ItemFault> refused = Optional.empty();
    int longest = 0;
    boolean fits = false;
    int most = 0;
    for (int k = 0; k < members.size(); k++) {
      switch (readings.get(readerOf.get(k))) {
        case Reading.Refused(ItemFault fault) -> refused = refused.or(() -> Optional.of(fault));
        case Reading.Row(TokenIds row) -> {
          if (row.size() > longest) {
            longest = row.size();
            most = members.get(k).maxTokens();
          }
          fits |= row.size() <= members.get(k).maxTokens();
        }
      }
    }
    if (fits) {
      return new RowOutcome.Row(new MemberRows(readings).laid());
    }
    String tooLong = "%,d tokens with what the template adds, limit %,d".formatted(longest, most);
    return new RowOutcome.Refused(
        longest > 0 ? new ItemFault(ItemFault.Reason.TOO_LONG, tooLong) : refused.orElseThrow());
  }

  private static Reading reading(RowText reader, BroughtItem item) {
    try {
      return new Reading.Row(reader.row(item));
    } catch (IllegalArgumentException e) {
      return refused(ItemFault.Reason.INVALID_INPUT, e);
    } catch (ModelException e) {
      if (e.reason() == Reason.CLOSED) {
        throw e; // it is nobody's reading
      }
      return refused(ItemFault.Reason.MODEL_ERROR, e);
    }
  }

  private static Reading refused(ItemFault.Reason reason, RuntimeException why) {
    return new Reading.Refused(new ItemFault(reason, String.valueOf(why.getMessage())));
  }

  /**
   * Has every member score what was read.
   *
   * @param rows shape [N], as {@link #read} gave them
   * @param callers members elsewhere are told to stop when they leave
   * @return shape [N][K], in the order of {@code rows} and members
   * @throws MeshException if every member is elsewhere, and none can do anything for anybody now
   */
  public List<List<MemberScore>> score(List<ScoringRow> rows, CallPatience callers) {
    List<MemberRows> read = rows.stream().map(MemberRows::of).toList();
    List<MemberRun> runs =
        members.size() == 1 ? List.of(run(0, read, callers)) : sideBySide(read, callers);
    if (runs.stream().allMatch(MemberRun.Away.class::isInstance)) {
      throw ((MemberRun.Away) runs.getFirst()).why();
    }
    List<List<MemberScore>> byRow = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      int row = i;
      byRow.add(runs.stream().map(run -> run.score(row)).toList());
    }
    return byRow;
  }

  /** Scores as the other, for callers who stay. */
  public List<List<MemberScore>> score(List<ScoringRow> rows) {
    return score(rows, CallPatience.endless());
  }

  /** What came of asking a member. */
  private sealed interface MemberRun {
    MemberScore score(int row);

    /** It answered. */
    record Scores(List<MemberScore> scores) implements MemberRun {
      @Override
      public MemberScore score(int row) {
        return scores.get(row);
      }
    }

    /** It can do nothing for anybody now. */
    record Away(String member, MeshException why) implements MemberRun {
      @Override
      public MemberScore score(int row) {
        return new MemberScore.Missing(
            new ItemFault(
                why.fault() == Fault.OVERLOADED
                    ? ItemFault.Reason.OVERLOADED
                    : ItemFault.Reason.MODEL_ERROR,
                member + ": " + why.getMessage()));
      }
    }
  }

  private MemberRun run(int k, List<MemberRows> rows, CallPatience callers) {
    int reader = readerOf.get(k);
    OpenMember member = members.get(k);
    try {
      return new MemberRun.Scores(
          member.score(rows.stream().map(each -> each.readings().get(reader)).toList(), callers));
    } catch (MeshException e) {
      return new MemberRun.Away(member.member().id(), e);
    }
  }

  /** A thread for each member: engines compute in the thread that asks. */
  private List<MemberRun> sideBySide(List<MemberRows> rows, CallPatience callers) {
    try (ExecutorService threads =
        Executors.newThreadPerTaskExecutor(
            Thread.ofPlatform().daemon().name("reward-member-", 0).factory())) {
      List<CompletableFuture<MemberRun>> asked = new ArrayList<>();
      for (int k = 0; k < members.size(); k++) {
        int member = k;
        asked.add(CompletableFuture.supplyAsync(() -> run(member, rows, callers), threads));
      }
      return asked.stream().map(CompletableFuture::join).toList();
    } catch (CompletionException e) {
      if (e.getCause() instanceof Error error) { // such as no memory: nobody's input
        throw error;
      }
      throw e;
    }
  }

  @Override
  public void close() {
    members.forEach(OpenMember::close);
    readers.forEach(RowText::close);
  }
}
