package io.ballast.standalone.cli;

import io.ballast.kit.grpc.Timestamps;
import io.ballast.kit.runtime.Role;
import io.ballast.safety.v1.CanaryMean;
import io.ballast.safety.v1.CanaryTerms;
import io.ballast.safety.v1.CanaryWatch;
import io.ballast.safety.v1.ListCanaryWatchesRequest;
import io.ballast.safety.v1.ListCanaryWatchesResponse;
import io.ballast.safety.v1.SafetyServiceGrpc;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Shows what is watched of canaries. */
@Command(
    name = "canary",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Shows what is watched of canaries: costs and accept rates with bounds that hold at every"
            + " time of looking, and what follows.",
    footer = {"", "./mesh models end-canary ends one."})
final class CanaryCommand implements Callable<Integer> {
  @Option(
      names = "--model",
      paramLabel = "NAME",
      defaultValue = "",
      description = "Only of this model (default: of all).")
  private String model = "";

  @Option(names = "--all", description = "Those that have ended too.")
  private boolean all;

  @Mixin private Printing printing = new Printing();
  @Mixin private MeshTarget target;

  CanaryCommand(CommandContext context) {
    this.target = new MeshTarget(context);
  }

  @Override
  public Integer call() {
    try (MeshTarget.Connection mesh =
        target.connect(Role.SAFETY_SERVER, SafetyServiceGrpc.SERVICE_NAME)) {
      ListCanaryWatchesResponse watches =
          ModelsCommand.safety(mesh)
              .listCanaryWatches(
                  ListCanaryWatchesRequest.newBuilder()
                      .setMetadata(target.metadata())
                      .setModel(model)
                      .setUnderWay(!all)
                      .build());
      printing.document(watches);
      if (watches.getWatchesCount() == 0) {
        printing.line(all ? "no canary was ever watched" : "no canary is under way");
      }
      watches.getWatchesList().forEach(this::show);
      return Exit.OK.code();
    }
  }

  private void show(CanaryWatch watch) {
    CanaryTerms terms = watch.getTerms();
    printing.line(
        String.format(
            Locale.ROOT,
            "%s %s: %s beside %s, %.2f %% since %s",
            watch.getModel(),
            watch.getAlias(),
            watch.getCanaryVersion(),
            watch.getControlVersion(),
            100 * watch.getShare(),
            Timestamps.instant(watch.getStartTime())));
    TextTable table = TextTable.headed("", "count", "mean", "above", "below", "");
    row(
        table,
        "cost by %s/%s"
            .formatted(terms.getCostModel().getModel(), terms.getCostModel().getVersion()),
        watch.getCost(),
        "limit " + number(terms.getCostLimit()) + missing(watch));
    row(table, "accept rate, canary", watch.getCanaryAcceptRate(), "");
    row(table, "accept rate, control", watch.getControlAcceptRate(), "");
    row(
        table,
        "control over canary, in pairs",
        watch.getAcceptShortfall(),
        "margin " + number(terms.getAcceptMargin()));
    printing.table(table);
    printing.line(verdict(watch));
    printing.line(
        watch.hasEndTime()
            ? "ended %s by %s".formatted(Timestamps.instant(watch.getEndTime()), watch.getEndMove())
            : "read " + Timestamps.instant(watch.getReadTime()));
    if (!watch.getTrouble().isEmpty()) {
      printing.line("trouble: " + watch.getTrouble());
    }
  }

  private static String verdict(CanaryWatch watch) {
    String words =
        "%s, %s"
            .formatted(
                watch.getState().name().substring("CANARY_WATCH_STATE_".length()),
                watch.getVerdict().name().substring("CANARY_VERDICT_".length()));
    return watch.getReason().isEmpty() ? words : words + ": " + watch.getReason();
  }

  private static String missing(CanaryWatch watch) {
    return watch.getMissingCostsCount() == 0
        ? ""
        : String.format(Locale.ROOT, ", %,d missing count as 1", watch.getMissingCostsCount());
  }

  private static void row(TextTable table, String name, CanaryMean mean, String note) {
    table.row(
        name,
        String.format(Locale.ROOT, "%,d", mean.getCount()),
        mean.getCount() == 0 ? "–" : number(mean.getMean()),
        number(mean.getLowerBound()),
        number(mean.getUpperBound()),
        note);
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.4f", value);
  }
}
