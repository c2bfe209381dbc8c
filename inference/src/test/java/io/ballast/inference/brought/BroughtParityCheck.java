package io.ballast.inference.brought;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.onnx.EncoderFiles;
import io.ballast.inference.onnx.EncoderImport;
import io.ballast.inference.onnx.EncoderOptions;
import io.ballast.inference.scoring.ScoringRow;
import io.ballast.inference.scoring.WholeReading.RowOutcome;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.torch.ClassifierImport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Compares with classifiers that transformers made: {@code src/test/python/classifiers.py} says how
 * to run it. No part of the usual tests, which need no Python.
 */
class BroughtParityCheck {
  private static final double TOLERANCE = 1e-4;
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path root = Path.of(".");

  @Test
  void everyClassifierSaysWhatItSaysInTransformers() throws IOException {
    Path folder = Path.of(System.getProperty("ballast.parity", "the folder of classifiers.py"));
    ModelStore store = new ModelStore(root);
    double worst = 0;
    int number = 0;
    for (JsonNode expected : JSON.readTree(folder.resolve("expected.json").toFile())) {
      String source = expected.path("source").asText();
      if (store.find(source, "1").isEmpty()) {
        store.publish(source, "1", target -> bring(folder.resolve(source), target), Map.of());
      }
      ObjectNode member = ((ObjectNode) expected.path("member")).put("model", source);
      ObjectNode manifest = JSON.createObjectNode().put("format", "ballast-brought-reward");
      manifest.putArray("members").add(member.put("version", "1"));
      String name = "ensemble" + number++;
      var unused =
          new BroughtAdoption(store, List.of(root), BroughtEngines.here(EncoderOptions.defaults()))
              .adopt(
                  name,
                  "1",
                  new BroughtAdoption.Plan(
                      BroughtManifest.parse(manifest.toString()),
                      ReferenceAnswers.none(),
                      1e-4,
                      Map.of()),
                  part -> {});
      double gap = gap(name, expected.path("items"));
      System.out.printf(
          "%-8s %-9s %-16s %.1e%n",
          source,
          member.path("input").path("form").asText(),
          member.path("score").path("kind").asText(),
          gap);
      worst = Math.max(worst, gap);
    }
    assertThat(number).isPositive();
    assertThat(worst).isLessThan(TOLERANCE);
  }

  private static void bring(Path source, Path target) throws IOException {
    List<String> names;
    try (Stream<Path> files = Files.list(source)) {
      names = files.map(file -> file.getFileName().toString()).toList();
    }
    if (names.contains("model.onnx")) {
      var unused =
          EncoderImport.write(
              source, EncoderFiles.of("model.onnx", names).orElseThrow(), target, Optional.empty());
    } else {
      var unused = ClassifierImport.write(source, target, part -> {});
    }
  }

  /** The largest difference, all items together and each alone. */
  private double gap(String name, JsonNode items) {
    BroughtFolders folders =
        new BroughtFolders(List.of(root), BroughtEngines.here(new EncoderOptions(2_048, 1)));
    try (BroughtScorer scorer =
        folders.open(
            folders.list().stream()
                .filter(found -> found.id().model().equals(name))
                .findFirst()
                .orElseThrow())) {
      List<ScoringRow> rows = new ArrayList<>();
      for (JsonNode item : items) {
        rows.add(
            ((RowOutcome.Row)
                    scorer.read(item.path("prompt").asText(), item.path("completion").asText()))
                .row());
      }
      List<List<MemberScore>> together = scorer.score(rows);
      double gap = 0;
      for (int i = 0; i < rows.size(); i++) {
        double expected = items.path(i).path("score").asDouble();
        List<MemberScore> alone = scorer.score(List.of(rows.get(i))).getFirst();
        for (MemberScore score : List.of(together.get(i).getFirst(), alone.getFirst())) {
          gap = Math.max(gap, Math.abs(((MemberScore.Value) score).score() - expected));
        }
      }
      return gap;
    }
  }
}
