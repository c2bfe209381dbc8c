package io.ballast.inference.brought;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.brought.ReferenceAnswers.Answer;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleConsumer;

/**
 * Makes an ensemble of classifiers that were brought: they are opened, asked, and published
 * together with what they said. Their own folders stay as they are.
 */
public final class BroughtAdoption {
  /** Of reference items so many are golden too. */
  private static final int MOST_GOLDEN = 8;

  /** Models behind a Triton do not say how many ids they know; all know these. */
  private static final int USUAL_IDS = 1_000;

  private static final List<BroughtItem> USUAL_TEXTS =
      List.of(
          new BroughtItem.Texts("What is the capital of France?", "Paris."),
          new BroughtItem.Texts("What is the capital of France?", "Go away."),
          new BroughtItem.Texts("Write a loop.", "for (int i = 0; i < n; i++) { sum += i; }"),
          new BroughtItem.Texts("Hi.", "Yes."),
          new BroughtItem.Texts("", "Ein kurzer Satz – mit Umlauten: äöü."));

  private final ModelStore store;
  private final BroughtFolders folders;

  /**
   * @param store where the ensemble is published
   * @param roots where its members are
   * @param engines what computes them
   */
  public BroughtAdoption(ModelStore store, List<Path> roots, BroughtEngines engines) {
    this.store = store;
    this.folders = new BroughtFolders(roots, engines);
  }

  /**
   * What is adopted.
   *
   * @param manifest the members; those without a checksum get that of the folder that is there
   * @param reference what each member's scale is made of
   * @param tolerance how far golden scores may be off when the ensemble is loaded
   * @param notes kept in ballast.json
   */
  public record Plan(
      BroughtManifest manifest,
      ReferenceAnswers reference,
      double tolerance,
      Map<String, String> notes) {
    public Plan {
      notes = Map.copyOf(notes);
    }
  }

  /**
   * What came of it.
   *
   * @param asked the reference items or, where there are none, the usual ones, of which the first
   *     are golden
   */
  public record Adopted(
      StoredModel model, BroughtManifest manifest, GoldenItems golden, AskedItems asked) {}

  /**
   * Publishes an ensemble.
   *
   * @param progress told what part of the items was asked
   * @throws ModelException as {@link BroughtScorer#open}
   * @throws UnusableReferenceException if reference items are not scored by every member and may
   *     not be left out or are too many, or their scores give no scale
   * @throws IllegalArgumentException if no usual item can be scored, or a name is none
   * @throws java.nio.file.FileAlreadyExistsException if the version is there
   */
  public Adopted adopt(String name, String version, Plan plan, DoubleConsumer progress)
      throws IOException {
    List<BroughtMember> pinned = new ArrayList<>();
    for (BroughtMember member : plan.manifest().members()) {
      boolean asItIs = member.sha256().isPresent() || !member.hasFolder();
      pinned.add(asItIs ? member : member.pinned(sha256(member)));
    }
    BroughtManifest manifest = new BroughtManifest(pinned);
    try (BroughtScorer scorer = folders.open(manifest)) {
      AskedItems asked = asked(scorer, name, plan.reference(), progress);
      if (!plan.reference().answers().isEmpty()) {
        manifest = scaled(manifest, asked);
      }
      GoldenItems golden =
          new GoldenItems(plan.tolerance(), asked.scored().stream().limit(MOST_GOLDEN).toList());
      BroughtManifest written = manifest;
      StoredModel model =
          store.publish(
              name,
              version,
              folder -> {
                written.write(folder);
                golden.write(folder);
              },
              plan.notes());
      return new Adopted(model, written, golden, asked);
    }
  }

  private String sha256(BroughtMember member) {
    Path folder = folders.folder(member).folder();
    return ModelManifest.read(folder)
        .map(ModelManifest::contentSha256)
        .orElseThrow(
            () ->
                new ModelException(
                    Reason.INVALID_FOLDER,
                    folder.resolve(ModelManifest.FILE)
                        + ": the file is missing; ./mesh pull writes it"));
  }

  private static List<Answer> usual(BroughtScorer scorer) {
    List<BroughtItem> items =
        scorer.readsTokens()
            ? usualTokens(Math.min(USUAL_IDS, scorer.vocabularySize()))
            : USUAL_TEXTS;
    List<Answer> answers = new ArrayList<>();
    for (BroughtItem item : items) {
      answers.add(new Answer("usual items[" + answers.size() + "]", item));
    }
    return answers;
  }

  /**
   * What every member scored; the rest is told, and where it is too much, nothing is made of it.
   */
  private static AskedItems asked(
      BroughtScorer scorer, String name, ReferenceAnswers reference, DoubleConsumer progress) {
    boolean usual = reference.answers().isEmpty();
    AskedItems asked =
        AskedItems.of(
            scorer,
            name,
            usual ? usual(scorer) : reference.answers(),
            reference.unread(),
            progress);
    if (usual && asked.scored().isEmpty()) {
      throw new IllegalArgumentException(
          "no golden item can be scored: " + asked.leftOut().getFirst().why());
    }
    if (usual || asked.leftOut().isEmpty()) {
      return asked;
    }
    String told =
        "%,d of %,d reference items %s not scored by every member, the first: %s"
            .formatted(
                asked.leftOut().size(),
                asked.size(),
                asked.leftOut().size() == 1 ? "is" : "are",
                asked.leftOut().getFirst());
    if (!reference.skipUnscored()) {
      throw new UnusableReferenceException(told + "; --skip-bad leaves them out");
    }
    if (2 * asked.scored().size() < asked.size()) {
      throw new UnusableReferenceException(told + " (expected: at most half of them)");
    }
    return asked;
  }

  /** Ids from all over the vocabulary. */
  private static List<BroughtItem> usualTokens(int vocabulary) {
    List<BroughtItem> items = new ArrayList<>();
    for (int i = 1; i <= USUAL_TEXTS.size(); i++) {
      int[] ids = new int[2 * i];
      for (int t = 0; t < ids.length; t++) {
        ids[t] = (int) ((i + 7_919L * (t + 1) * i) % vocabulary);
      }
      TokenIds all = TokenIds.of(ids);
      items.add(new BroughtItem.Tokens(all.slice(0, i), all.slice(i, 2 * i)));
    }
    return items;
  }

  private static BroughtManifest scaled(BroughtManifest manifest, AskedItems asked) {
    List<BroughtMember> members = new ArrayList<>();
    for (int k = 0; k < manifest.members().size(); k++) {
      members.add(manifest.members().get(k).scaled(asked.scale(k)));
    }
    return new BroughtManifest(members);
  }
}
