package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.onnx.EncoderOptions;
import io.ballast.inference.onnx.EncodingOutcome;
import io.ballast.inference.onnx.EncodingOutcome.Encoded;
import io.ballast.inference.onnx.FeatureVector;
import io.ballast.inference.onnx.OnnxEncoder;
import io.ballast.inference.onnx.Refusal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Encodes texts with an encoder of this machine, and shows how alike they are. */
@Command(
    name = "encode",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Encodes texts with an encoder that ./mesh pull brought, and shows how alike they are: the"
          + " cosines between them. Of a classifier it shows the scores. No mesh need run.",
      "With --json the vectors too."
    })
final class EncodeCommand implements Callable<Integer> {
  private static final int EXCERPT = 60;

  @Parameters(
      index = "0",
      paramLabel = "NAME[/VERSION]",
      description = "An encoder; ./mesh models folders shows them.")
  private String model = "";

  @Parameters(index = "1..*", arity = "1..*", paramLabel = "TEXT", description = "What to encode.")
  private List<String> texts = List.of();

  @Mixin private DataFolder data = new DataFolder();

  @Mixin private Printing printing = new Printing();

  private final CommandContext context;

  EncodeCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public Integer call() {
    List<Path> roots = data.models(context);
    ModelChoice choice = ModelChoice.of("", model, roots);
    Path folder =
        roots.stream()
            .map(root -> root.resolve(choice.model()).resolve(choice.version()))
            .filter(Files::isDirectory)
            .findFirst()
            .orElseThrow();
    ModelKind kind = ModelKind.of(folder);
    if (kind != ModelKind.ENCODER) {
      throw new CommandFailure(
          Exit.USAGE,
          "NO_ENCODER",
          choice.model() + "/" + choice.version() + ": " + kind.words() + ", not an encoder");
    }
    try (OnnxEncoder encoder = OnnxEncoder.open(folder, EncoderOptions.defaults())) {
      List<EncodingOutcome> outcomes = encoder.encode(texts);
      printing.document(document(choice, encoder, outcomes));
      boolean classifier = encoder.description().classifier();
      printing.table(classifier ? scores(outcomes) : cosines(outcomes));
      for (int i = 0; i < texts.size(); i++) {
        printing.line(
            (i + 1)
                + ": "
                + (outcomes.get(i) instanceof Refusal refusal
                    ? "none: " + refusal.detail()
                    : Excerpt.of(texts.get(i), EXCERPT)));
      }
      boolean whole = outcomes.stream().allMatch(Encoded.class::isInstance);
      return (whole ? Exit.OK : Exit.FAILED).code();
    } catch (ModelException e) {
      throw new CommandFailure(Exit.FAILED, e.reason().name(), String.valueOf(e.getMessage()));
    }
  }

  private ObjectNode document(
      ModelChoice choice, OnnxEncoder encoder, List<EncodingOutcome> outcomes) {
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    document.put("name", choice.model());
    document.put("version", choice.version());
    ModelKind.describe(encoder.description(), document);
    ArrayNode all = document.putArray("texts");
    for (EncodingOutcome outcome : outcomes) {
      ObjectNode one = all.addObject();
      switch (outcome) {
        case Encoded encoded -> {
          ArrayNode values = one.putArray("values");
          for (float value : encoded.values().toArray()) {
            values.add(value);
          }
        }
        case Refusal refusal ->
            one.putObject("refusal")
                .put("reason", refusal.reason().name())
                .put("detail", refusal.detail());
      }
    }
    if (!encoder.description().classifier()) {
      ArrayNode rows = document.putArray("cosines");
      for (EncodingOutcome one : outcomes) {
        ArrayNode row = rows.addArray();
        for (EncodingOutcome other : outcomes) {
          double cosine = cosine(one, other);
          if (Double.isNaN(cosine)) {
            row.addNull();
          } else {
            row.add(cosine);
          }
        }
      }
    }
    return document;
  }

  /** NaN if one of them is no vector, or has no length. */
  private static double cosine(EncodingOutcome one, EncodingOutcome other) {
    return one instanceof Encoded(FeatureVector a) && other instanceof Encoded(FeatureVector b)
        ? a.cosine(b)
        : Double.NaN;
  }

  private static TextTable cosines(List<EncodingOutcome> outcomes) {
    String[] headings = new String[outcomes.size() + 1];
    headings[0] = "cosine";
    for (int i = 0; i < outcomes.size(); i++) {
      headings[i + 1] = Integer.toString(i + 1);
    }
    TextTable table = TextTable.headed(headings);
    for (int i = 0; i < outcomes.size(); i++) {
      String[] cells = headings.clone();
      cells[0] = headings[i + 1];
      for (int j = 0; j < outcomes.size(); j++) {
        double cosine = cosine(outcomes.get(i), outcomes.get(j));
        cells[j + 1] =
            Double.isNaN(cosine) ? "–" : String.format(Locale.ROOT, "%.3f", cosine + 0.0);
      }
      table.row(cells);
    }
    return table;
  }

  private static TextTable scores(List<EncodingOutcome> outcomes) {
    TextTable table = TextTable.headed("text", "scores");
    for (int i = 0; i < outcomes.size(); i++) {
      StringBuilder scores = new StringBuilder();
      if (outcomes.get(i) instanceof Encoded(FeatureVector values)) {
        for (float value : values.toArray()) {
          scores.append(String.format(Locale.ROOT, scores.isEmpty() ? "%.3f" : "  %.3f", value));
        }
      }
      table.row(Integer.toString(i + 1), scores.isEmpty() ? "–" : scores.toString());
    }
    return table;
  }
}
