package io.ballast.inference.brought;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.Normalization;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

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
   * @param reference answers of the reference policy, of whose scores each member's scale is made;
   *     none: the manifest's scales stay
   * @param tolerance how far golden scores may be off when the ensemble is loaded
   * @param notes kept in ballast.json
   */
  public record Plan(
      BroughtManifest manifest,
      List<BroughtItem> reference,
      double tolerance,
      Map<String, String> notes) {
    public Plan {
      reference = List.copyOf(reference);
      notes = Map.copyOf(notes);
    }
  }

  /** What came of it. */
  public record Adopted(StoredModel model, BroughtManifest manifest, GoldenItems golden) {}

  /**
   * Publishes an ensemble.
   *
   * @throws ModelException as {@link BroughtScorer#open}
   * @throws IllegalArgumentException if no golden item can be scored, reference scores give no
   *     scale, or a name is none
   * @throws java.nio.file.FileAlreadyExistsException if the version is there
   */
  public Adopted adopt(String name, String version, Plan plan) throws IOException {
    List<BroughtMember> pinned = new ArrayList<>();
    for (BroughtMember member : plan.manifest().members()) {
      boolean asItIs = member.sha256().isPresent() || !member.hasFolder();
      pinned.add(asItIs ? member : member.pinned(sha256(member)));
    }
    BroughtManifest manifest = new BroughtManifest(pinned);
    try (BroughtScorer scorer = folders.open(manifest)) {
      if (!plan.reference().isEmpty()) {
        manifest = scaled(scorer, manifest, plan.reference());
      }
      GoldenItems golden =
          GoldenItems.of(scorer, goldenItems(scorer, plan.reference()), plan.tolerance());
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
      return new Adopted(model, written, golden);
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

  private static List<BroughtItem> goldenItems(BroughtScorer scorer, List<BroughtItem> reference) {
    if (!reference.isEmpty()) {
      return reference.subList(0, Math.min(MOST_GOLDEN, reference.size()));
    }
    return scorer.readsTokens()
        ? usualTokens(Math.min(USUAL_IDS, scorer.vocabularySize()))
        : USUAL_TEXTS;
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

  private static BroughtManifest scaled(
      BroughtScorer scorer, BroughtManifest manifest, List<BroughtItem> reference) {
    List<BroughtMember> members = new ArrayList<>();
    List<List<MemberScore>> all =
        reference.stream().map(item -> GoldenItems.scores(scorer, item)).toList();
    for (int k = 0; k < manifest.members().size(); k++) {
      List<Double> scores = new ArrayList<>();
      for (List<MemberScore> ofItem : all) {
        if (k < ofItem.size() && ofItem.get(k) instanceof MemberScore.Value(double score)) {
          scores.add(score);
        }
      }
      members.add(manifest.members().get(k).scaled(scale(scores, "members[" + k + "]")));
    }
    return new BroughtManifest(members);
  }

  /** Mean, and standard deviation divided by n − 1. */
  private static Normalization scale(List<Double> scores, String at) {
    double mean = scores.stream().mapToDouble(s -> s).average().orElse(0);
    double squares = scores.stream().mapToDouble(s -> (s - mean) * (s - mean)).sum();
    double std = Math.sqrt(squares / Math.max(1, scores.size() - 1));
    if (!(std > 0)) {
      throw new IllegalArgumentException(
          "%s: the %,d reference items that it scores give no scale (expected: at least two unlike scores)"
              .formatted(at, scores.size()));
    }
    return new Normalization(mean, std);
  }
}
