package io.ballast.standalone.gate;

import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.loadtest.chart.LineChart;
import io.ballast.loadtest.chart.Series;
import io.ballast.loadtest.chart.SvgFile;
import io.ballast.rl.preference.ReliabilityBins;
import io.ballast.safety.adapter.GateModelFolder;
import io.ballast.safety.adapter.TrainedOnFile;
import io.ballast.safety.core.gate.GateSpec;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.core.gatefit.FittedGate;
import io.ballast.safety.core.gatefit.GatePlan;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Publishes both stages of a gate as versions that never change. */
public final class GatePublisher {
  private final ModelStore store;

  public GatePublisher(ModelStore store) {
    this.store = store;
  }

  /** What a stage's model is called: {@code <name>-context} and {@code <name>-suggestion}. */
  public static String model(String name, GateStage stage) {
    return name + "-" + stage.name().toLowerCase(Locale.ROOT);
  }

  /**
   * Publishes stage 1, then stage 2, under one version.
   *
   * @param source what it was made of, for a reader of the cards
   * @param command what makes it again
   * @return both folders
   * @throws FileAlreadyExistsException if one is there
   */
  public List<StoredModel> publish(
      String name, String version, FittedGate gate, GatePlan plan, String source, String command)
      throws IOException {
    for (GateStage stage : GateStage.values()) {
      if (store.find(model(name, stage), version).isPresent()) {
        throw new FileAlreadyExistsException(model(name, stage) + "/" + version);
      }
    }
    GateSpec one = gate.spec(GateStage.CONTEXT, plan.explorationShare());
    GateSpec two = gate.spec(GateStage.SUGGESTION, plan.explorationShare());
    String pair =
        GateModelFolder.pair(
            one,
            gate.stage(GateStage.CONTEXT).trees().bytes(),
            two,
            gate.stage(GateStage.SUGGESTION).trees().bytes());
    List<StoredModel> published = new ArrayList<>();
    for (GateSpec spec : List.of(one, two)) {
      String model = model(name, spec.stage());
      FittedGate.Stage own = gate.stage(spec.stage());
      Map<String, String> notes = Map.of("seed", Long.toString(plan.seed()));
      published.add(
          store.publish(
              model,
              version,
              folder -> {
                TrainedOnFile.write(folder, gate.trainedOn());
                GateModelFolder.write(folder, spec.paired(pair), own.trees().bytes(), notes);
                Files.writeString(
                    folder.resolve("MODEL_CARD.md"),
                    GateCard.of(model + " " + version, spec.stage(), gate, plan, source, command));
                chart(own.reliability(), folder.resolve("reliability.svg"));
              },
              notes));
    }
    return published;
  }

  private static void chart(ReliabilityBins bins, Path file) throws IOException {
    List<Series.Point> came = new ArrayList<>();
    List<Series.Point> lower = new ArrayList<>();
    List<Series.Point> upper = new ArrayList<>();
    for (ReliabilityBins.Bin bin : bins.bins()) {
      came.add(new Series.Point(bin.predicted(), bin.observed().estimate()));
      lower.add(new Series.Point(bin.predicted(), bin.observed().low()));
      upper.add(new Series.Point(bin.predicted(), bin.observed().high()));
    }
    SvgFile.write(
        LineChart.of(
            "what was said came true",
            "said",
            List.of(
                new Series(
                    "as said", "#b3b9c0", List.of(new Series.Point(0, 0), new Series.Point(1, 1))),
                new Series("came true", "#1d5fa8", came),
                new Series("95 %", "#9cc2e8", lower),
                new Series("", "#9cc2e8", upper)),
            null),
        file);
  }
}
