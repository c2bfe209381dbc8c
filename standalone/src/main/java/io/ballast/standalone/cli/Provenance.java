package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.brought.BroughtManifest;
import io.ballast.inference.brought.GoldenItems;
import io.ballast.inference.onnx.Calibration;
import io.ballast.inference.onnx.CostBoundary;
import io.ballast.inference.onnx.CostScale;
import io.ballast.inference.onnx.GoldenScores;
import io.ballast.inference.onnx.Normalization;
import io.ballast.inference.onnx.ReliabilityBin;
import io.ballast.inference.onnx.ScoringModelFolder;
import io.ballast.inference.onnx.ScoringObjective;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.inference.onnx.TrunkReference;
import io.ballast.inference.onnx.TrunkText;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.kit.call.Texts;
import io.ballast.training.scoring.EnsembleFigures;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;

/**
 * What a version says of where it comes from, as a document and as lines. What it does not say is
 * null in the document and "not said" in the lines.
 */
final class Provenance {
  private static final String NOT_SAID = "not said";
  private static final String DATA = "data_SHA_256";
  private static final String ACCURACY = "within_prompt_accuracy";

  private final StoredModel model;
  private final List<Path> roots;

  /**
   * @param roots folders of models, where its trunk is looked for
   */
  Provenance(StoredModel model, List<Path> roots) {
    this.model = model;
    this.roots = roots;
  }

  /** Adds all that is said to both. */
  void tell(ObjectNode document, TextTable table) throws IOException {
    Optional<ModelManifest> manifest = ModelManifest.read(model.folder());
    Map<String, String> notes = manifest.map(ModelManifest::notes).orElse(Map.of());
    ModelKind kind = ModelKind.of(model.folder());
    document.put("name", model.name());
    document.put("version", model.version());
    document.put("folder", model.folder().toString());
    document.put("kind", kind.code());
    table.row("version", model.name() + "/" + model.version());
    table.row("what", ModelFoldersCommand.words(kind, model.folder(), manifest, document));
    table.row("folder", model.folder().toString());
    said(
        document,
        table,
        "weights_sha256",
        "weights",
        manifest.flatMap(ModelManifest::weightsSha256));
    said(
        document, table, "content_sha256", "all files", manifest.map(ModelManifest::contentSha256));
    switch (kind) {
      case SCORING -> heads(ScoringModelFolder.readSpec(model.folder()), notes, document, table);
      case BROUGHT -> brought(document, table);
      case DECODER -> reading(document, table, TrunkText.of(model.folder()));
      case COMPOSITE, GATE, ENCODER, CLASSIFIER, UNKNOWN -> {}
    }
    if (kind == ModelKind.SCORING && !document.has("objectives")) {
      said(document, table, "data_sha256", "data", Optional.ofNullable(notes.get(DATA)));
    }
    said(
        document,
        table,
        ModelManifest.CODE_VERSION,
        "code",
        Optional.ofNullable(notes.get(ModelManifest.CODE_VERSION)));
    ObjectNode all = document.putObject("notes");
    new TreeMap<>(notes)
        .forEach(
            (name, value) -> {
              all.put(name, value);
              if (!name.equals(DATA) && !name.equals(ModelManifest.CODE_VERSION)) {
                table.row(name.replace('_', ' '), value);
              }
            });
  }

  private static void said(
      ObjectNode document, TextTable table, String field, String words, Optional<String> value) {
    document.put(field, value.orElse(null));
    table.row(words, value.orElse(NOT_SAID));
  }

  private void heads(
      ScoringSpec spec, Map<String, String> notes, ObjectNode document, TextTable table)
      throws IOException {
    TrunkReference trunk = spec.trunk();
    String here = here(trunk);
    ObjectNode told = document.putObject("trunk_reference");
    told.put("model", trunk.model());
    told.put("version", trunk.version());
    told.put("weights_sha256", trunk.weightsSha256());
    told.put("here", here);
    table.row(
        "trunk",
        "%s/%s, weights %s".formatted(trunk.model(), trunk.version(), trunk.weightsSha256()));
    table.row("trunk here", here);
    reading(told, table, trunk.text());
    if (spec.promptTokens().isPresent()) {
      document.put("prompt_tokens", spec.promptTokens().getAsInt());
    }
    scales(document, spec.normalizations(), spec.inverseTemperatures(), spec.calibration());
    for (int k = 0; k < spec.heads(); k++) {
      table.row(
          "member " + k,
          String.format(
              Locale.ROOT,
              "mean %.4f, std %.4f, temperature %s, held-out accuracy %s",
              spec.normalizations().get(k).mean(),
              spec.normalizations().get(k).std(),
              temperature(spec.inverseTemperature(k)),
              figure(spec.heldOutMembers().get(k), ACCURACY)));
    }
    table.row(
        "calibration",
        spec.calibration()
            .map(of -> String.format(Locale.ROOT, "a %.4f, b %.4f", of.a(), of.b()))
            .orElse(NOT_SAID));
    spec.cost().ifPresent(cost -> cost(cost, document, table));
    figures(document, spec.heldOutMembers(), spec.heldOut());
    if (spec.objectives().isEmpty()) {
      table.row("held out", words(spec.heldOut()));
    } else {
      objectives(spec.objectives(), notes, document, table);
    }
    Optional<GoldenScores> golden = GoldenScores.read(model.folder());
    golden(
        document,
        table,
        golden.map(kept -> kept.items().size()),
        golden.map(GoldenScores::tolerance));
  }

  private static void cost(CostScale cost, ObjectNode document, TextTable table) {
    TrainedReport.put(document.putObject("cost"), cost);
    table.row("boundary", cost.boundary().words());
    if (cost.boundary() != CostBoundary.NONE) {
      table.row(
          "reliability",
          cost.reliability().isEmpty()
              ? NOT_SAID
              : "by probability of harm, the share that was harmful");
    }
    for (ReliabilityBin bin : cost.reliability()) {
      table.row(
          String.format(Locale.ROOT, "  %.3f", bin.predicted()),
          String.format(
              Locale.ROOT,
              "%.3f, 95 %% interval %.3f to %.3f, of %,d completions",
              bin.observed(),
              bin.low(),
              bin.high(),
              bin.completions()));
    }
  }

  /** Each objective, and what the sum of all is worth on the judgements of each. */
  private static void objectives(
      List<ScoringObjective> objectives,
      Map<String, String> notes,
      ObjectNode document,
      TextTable table) {
    ArrayNode array = document.putArray("objectives");
    for (ScoringObjective objective : objectives) {
      Optional<String> data = Optional.ofNullable(notes.get(objective.name() + "_" + DATA));
      ObjectNode each =
          array.addObject().put("name", objective.name()).put("weight", objective.weight());
      each.put("data_sha256", data.orElse(null));
      scales(
          each,
          objective.normalizations(),
          objective.inverseTemperatures(),
          objective.calibration());
      figures(each, objective.heldOutMembers(), objective.heldOut());
      table.row(
          "objective " + objective.name(),
          "weight %s; data %s".formatted(objective.weight(), data.orElse(NOT_SAID)));
      table.row("held out, " + objective.name(), words(objective.heldOut()));
    }
  }

  private static void scales(
      ObjectNode document,
      List<Normalization> normalizations,
      List<Double> inverseTemperatures,
      Optional<Calibration> calibration) {
    ArrayNode array = document.putArray("normalization");
    for (int k = 0; k < normalizations.size(); k++) {
      array
          .addObject()
          .put("mean", normalizations.get(k).mean())
          .put("std", normalizations.get(k).std())
          .put(
              "inverse_temperature",
              inverseTemperatures.isEmpty() ? null : inverseTemperatures.get(k));
    }
    calibration.ifPresentOrElse(
        of -> document.putObject("calibration").put("a", of.a()).put("b", of.b()),
        () -> document.putNull("calibration"));
  }

  private static String temperature(OptionalDouble inverse) {
    return inverse.isPresent()
        ? String.format(Locale.ROOT, "%.3f", 1 / inverse.getAsDouble())
        : NOT_SAID;
  }

  private static void figures(
      ObjectNode document, List<Map<String, Double>> heldOutMembers, Map<String, Double> heldOut) {
    ObjectNode figures = document.putObject("held_out");
    ArrayNode members = figures.putArray("members");
    heldOutMembers.forEach(each -> new TreeMap<>(each).forEach(members.addObject()::put));
    new TreeMap<>(heldOut).forEach(figures.putObject("ensemble")::put);
  }

  private static String words(Map<String, Double> heldOut) {
    return "accuracy %s of the mean, %s of the cautious score; calibration error %s; members agree on %s"
        .formatted(
            figure(heldOut, "mean_" + ACCURACY),
            figure(heldOut, "cautious_" + ACCURACY),
            figure(heldOut, EnsembleFigures.calibrationError(heldOut)),
            figure(heldOut, "member_agreement"));
  }

  private static String figure(Map<String, Double> figures, String name) {
    Double value = figures.get(name);
    return value == null ? NOT_SAID : String.format(Locale.ROOT, "%.3f", value);
  }

  private static void golden(
      ObjectNode document, TextTable table, Optional<Integer> items, Optional<Double> tolerance) {
    if (items.isPresent() && tolerance.isPresent()) {
      document.putObject("golden").put("items", items.get()).put("tolerance", tolerance.get());
    } else {
      document.putNull("golden");
    }
    table.row(
        "golden scores",
        items
            .map(count -> Texts.counted(count, "item") + ", to " + tolerance.orElse(0.0))
            .orElse(NOT_SAID));
  }

  /** How texts were read. */
  private static void reading(ObjectNode document, TextTable table, Optional<TrunkText> text) {
    said(document, table, "tokenizer_sha256", "tokenizer", text.map(TrunkText::tokenizerSha256));
    document.put("chat_template_sha256", text.flatMap(TrunkText::templateSha256).orElse(null));
    document.put(
        "has_chat_template", text.map(known -> known.templateSha256().isPresent()).orElse(null));
    table.row(
        "chat template", text.map(known -> known.templateSha256().orElse("none")).orElse(NOT_SAID));
  }

  /** What of the trunk on this machine was compared with what the heads stand on, and how it is. */
  private String here(TrunkReference trunk) {
    Optional<Path> folder =
        ModelStore.find(roots, trunk.model(), trunk.version()).map(StoredModel::folder);
    if (folder.isEmpty()) {
      return "missing";
    }
    boolean weights =
        ModelManifest.read(folder.get())
            .flatMap(ModelManifest::weightsSha256)
            .filter(trunk.weightsSha256()::equals)
            .isPresent();
    if (!weights) {
      return "other weights";
    }
    if (trunk.text().isEmpty()) {
      return "the same weights; how it read texts is not said";
    }
    return trunk.text().equals(TrunkText.of(folder.get()))
        ? "the same weights, tokenizer and chat template"
        : "the same weights, reads texts otherwise";
  }

  private void brought(ObjectNode document, TextTable table) {
    ArrayNode members = document.putArray("pinned");
    BroughtManifest.read(model.folder())
        .members()
        .forEach(
            member -> {
              members
                  .addObject()
                  .put("id", member.id())
                  .put("sha256", member.sha256().orElse(null))
                  .put("mean", member.scale().mean())
                  .put("std", member.scale().std());
              table.row(
                  member.id(),
                  String.format(
                      Locale.ROOT,
                      "all files with tokenizer and template %s, mean %.4f, std %.4f",
                      member.sha256().orElse(NOT_SAID),
                      member.scale().mean(),
                      member.scale().std()));
            });
    GoldenItems golden = GoldenItems.read(model.folder());
    golden(document, table, Optional.of(golden.items().size()), Optional.of(golden.tolerance()));
  }
}
