package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.rl.gate.GateGuarantee;
import io.ballast.safety.core.gate.AcceptModel;
import io.ballast.safety.core.gate.GateSpec;
import io.ballast.safety.core.gatefit.GateFigures;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Shows what both stages of a gate say of themselves. */
@Command(
    name = "show",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Shows both stages of a gate in the model folders: lines, reading, what was proven of them,"
            + " and how well they tell.")
final class GateShowCommand implements Callable<Integer> {
  @Parameters(
      paramLabel = "NAME[/VERSION]",
      description = "The gate, such as java-gate: NAME-context and NAME-suggestion.")
  private String name = "";

  @Mixin private DataFolder data = new DataFolder();

  @Mixin private Printing printing = new Printing();

  private final CommandContext context;

  GateShowCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public Integer call() throws IOException {
    try (CandidateGateFiles files = CandidateGateFiles.open(name, data.models(context))) {
      show(files.one(), files.two());
      return Exit.OK.code();
    }
  }

  private void show(AcceptModel one, AcceptModel two) {
    boolean paired = one.spec().isPairedWith(two.spec());
    Optional<GateGuarantee> proven = paired ? one.spec().guarantee() : Optional.empty();
    TextTable table = TextTable.headed("", "stage 1", "stage 2");
    List<AcceptModel> both = List.of(one, two);
    table.row("model", name(one), name(two));
    table.row("folder", one.folderSha256().substring(0, 12), two.folderSha256().substring(0, 12));
    table.row("features", features(one.spec()), features(two.spec()));
    table.row("hides below", number(one.spec().threshold()), number(two.spec().threshold()));
    table.row("refers at (bits)", number(one.spec().referEntropyBits()), "");
    table.row(
        "explores", number(one.spec().explorationShare()), number(two.spec().explorationShare()));
    TreeMap<String, String[]> figures = new TreeMap<>();
    for (int i = 0; i < both.size(); i++) {
      int column = i;
      both.get(i)
          .spec()
          .heldOut()
          .forEach(
              (figure, value) ->
                  figures.computeIfAbsent(figure, key -> new String[] {"", ""})[column] =
                      number(value));
    }
    figures.forEach((figure, values) -> table.row(figure.replace('_', ' '), values[0], values[1]));
    printing.table(table);
    printing.line(
        one.spec().secondLook()
            ? "stage 2 judges what stage 1 passes too"
            : "what stage 1 passes is shown without stage 2");
    printing.line(
        proven
            .map(
                found ->
                    String.format(
                        Locale.ROOT,
                        "proven: %s, at least %s would have been rejected, with confidence %s"
                            + " (%,d hidden, %,d of them kept, p = %.4f)",
                        switch (found.unit()) {
                          case GROUP ->
                              String.format(
                                  Locale.ROOT,
                                  "of what is hidden from a user, on average over users (%,d decided)",
                                  found.units());
                          case DECISION ->
                              "if decisions are independent, as was declared: of what is hidden";
                        },
                        GateFigures.percent(found.targetAccuracy()),
                        GateFigures.confidence(found.alpha()),
                        found.hidden(),
                        found.accepted(),
                        found.pValue()))
            .orElse(
                paired || one.spec().guarantee().isEmpty()
                    ? unproven(one.spec(), two.spec())
                    : "the stages were not made together: what was proven of either does not hold"));
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    document.put("paired", paired).put("second_look", one.spec().secondLook());
    for (AcceptModel model : both) {
      ObjectNode stage =
          document
              .putObject(model.spec().stage().name().toLowerCase(Locale.ROOT))
              .put("model", name(model))
              .put("folder_sha256", model.folderSha256())
              .put("feature_version", model.spec().featureSet().version())
              .put("threshold", model.spec().threshold())
              .put("refer_entropy_bits", model.spec().referEntropyBits())
              .put("exploration_share", model.spec().explorationShare());
      ObjectNode heldOut = stage.putObject("held_out");
      model.spec().heldOut().forEach(heldOut::put);
    }
    document.put("proven", proven.isPresent());
    proven.ifPresent(found -> put(document, found));
    printing.document(document);
  }

  private static String unproven(GateSpec one, GateSpec two) {
    return one.threshold() > 0 || two.threshold() > 0
        ? "measured, not proven: nothing is promised of what these lines hide"
        : "nothing was proven of any lines: everything is shown";
  }

  /** Adds what was proven. */
  static void put(ObjectNode document, GateGuarantee proven) {
    document
        .putObject("guarantee")
        .put("target_accuracy", proven.targetAccuracy())
        .put("alpha", proven.alpha())
        .put("unit", proven.unit().name().toLowerCase(Locale.ROOT))
        .put("units", proven.units())
        .put("hidden", proven.hidden())
        .put("accepted", proven.accepted())
        .put("p_value", proven.pValue());
  }

  private static String name(AcceptModel model) {
    return model.id().model() + "/" + model.id().version();
  }

  private static String features(GateSpec spec) {
    return "%d (version %d)".formatted(spec.features().size(), spec.featureSet().version());
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.4f", value);
  }
}
