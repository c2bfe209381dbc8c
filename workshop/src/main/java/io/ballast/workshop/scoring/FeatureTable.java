package io.ballast.workshop.scoring;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.onnx.FeatureOutcome;
import io.ballast.inference.onnx.FeatureOutcome.Extracted;
import io.ballast.inference.onnx.FeatureVector;
import io.ballast.inference.onnx.OnnxFeatureReader;
import io.ballast.inference.onnx.Refusal;
import io.ballast.inference.onnx.ScoringGroup;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Features and labels of N completions, those of a group side by side. Not changed once built.
 *
 * <p>Shape letters: N completions, P groups, F features.
 */
final class FeatureTable {
  private static final int GROUPS_AT_A_TIME = 64;

  private final int width;
  private final List<float[]> rows = new ArrayList<>();
  private final List<LabelledCompletion> labels = new ArrayList<>();
  private final List<String> files = new ArrayList<>();
  private final List<Integer> starts = new ArrayList<>();
  private final List<LabelledGroup> sources = new ArrayList<>();
  private final Map<Refusal.Reason, Integer> refused = new EnumMap<>(Refusal.Reason.class);
  private final Map<LabelledCompletion, Refusal.Reason> refusals = new IdentityHashMap<>();

  private FeatureTable(int width) {
    this.width = width;
    starts.add(0);
  }

  /**
   * Reads the features of all completions; those that are refused are left out and counted.
   *
   * @param progress told how many groups are done, now and then
   */
  static FeatureTable read(
      OnnxFeatureReader reader, List<LabelledGroup> groups, IntConsumer progress) {
    FeatureTable table = new FeatureTable(reader.featureCount());
    for (int first = 0; first < groups.size(); first += GROUPS_AT_A_TIME) {
      List<LabelledGroup> part =
          groups.subList(first, Math.min(groups.size(), first + GROUPS_AT_A_TIME));
      List<List<FeatureOutcome>> outcomes =
          reader.read(
              part.stream()
                  .map(
                      group ->
                          new ScoringGroup(
                              group.prompt(),
                              group.completions().stream()
                                  .map(LabelledCompletion::tokens)
                                  .toList()))
                  .toList());
      for (int g = 0; g < part.size(); g++) {
        table.add(part.get(g), outcomes.get(g));
      }
      progress.accept(first + part.size());
    }
    return table;
  }

  /**
   * Reads the features as {@link #read(OnnxFeatureReader, List, IntConsumer)} does, or from {@code
   * cache} if it holds those of just these groups; else writes them there. Rewards and costs of the
   * same labels share them.
   *
   * @param key names trunk, features and groups
   */
  static FeatureTable read(
      OnnxFeatureReader reader,
      List<LabelledGroup> groups,
      Path cache,
      String key,
      IntConsumer progress)
      throws IOException {
    if (Files.isRegularFile(cache)) {
      Optional<FeatureTable> known = readCache(cache, key, groups, reader.featureCount());
      if (known.isPresent()) {
        return known.get();
      }
    }
    FeatureTable table = read(reader, groups, progress);
    table.writeCache(cache, key, groups);
    return table;
  }

  private static Optional<FeatureTable> readCache(
      Path cache, String key, List<LabelledGroup> groups, int width) throws IOException {
    FeatureTable table = new FeatureTable(width);
    try (DataInputStream in =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(cache), 1 << 16))) {
      if (!in.readUTF().equals(key)) {
        return Optional.empty();
      }
      for (LabelledGroup group : groups) {
        List<FeatureOutcome> outcomes = new ArrayList<>();
        for (int i = 0; i < group.completions().size(); i++) {
          int refusal = in.readByte();
          if (refusal < 0) {
            float[] row = new float[width];
            for (int f = 0; f < width; f++) {
              row[f] = in.readFloat();
            }
            outcomes.add(new Extracted(FeatureVector.of(row), PerToken.of()));
          } else {
            outcomes.add(new Refusal(Refusal.Reason.values()[refusal], "refused before"));
          }
        }
        table.add(group, outcomes);
      }
      return Optional.of(table);
    } catch (EOFException e) {
      return Optional.empty(); // a run that was stopped
    }
  }

  private void writeCache(Path cache, String key, List<LabelledGroup> groups) throws IOException {
    Map<LabelledCompletion, Refusal.Reason> left = refusals;
    try (DataOutputStream out =
        new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(cache), 1 << 16))) {
      out.writeUTF(key);
      int row = 0;
      for (LabelledGroup group : groups) {
        for (LabelledCompletion completion : group.completions()) {
          Refusal.@Nullable Reason reason = left.get(completion);
          out.writeByte(reason == null ? -1 : reason.ordinal());
          if (reason == null) {
            for (float value : rows.get(row++)) {
              out.writeFloat(value);
            }
          }
        }
      }
    }
  }

  /** Returns a table without features. */
  static FeatureTable ofLabels(List<LabelledGroup> groups) {
    FeatureTable table = new FeatureTable(0);
    FeatureOutcome nothing = new Extracted(FeatureVector.of(), PerToken.of());
    for (LabelledGroup group : groups) {
      table.add(group, Collections.nCopies(group.completions().size(), nothing));
    }
    return table;
  }

  private void add(LabelledGroup group, List<FeatureOutcome> outcomes) {
    for (int i = 0; i < outcomes.size(); i++) {
      switch (outcomes.get(i)) {
        case Extracted extracted -> {
          rows.add(extracted.features().toArray());
          labels.add(group.completions().get(i));
        }
        case Refusal refusal -> {
          refused.merge(refusal.reason(), 1, Integer::sum);
          refusals.put(group.completions().get(i), refusal.reason());
        }
      }
    }
    if (rows.size() > starts.getLast()) {
      starts.add(rows.size());
      files.add(group.file());
      sources.add(group);
    }
  }

  /** N. */
  int size() {
    return rows.size();
  }

  /** F. */
  int width() {
    return width;
  }

  /** P, without groups of which nothing could be read. */
  int groups() {
    return files.size();
  }

  /** The indices of a group's completions. */
  IntStream completions(int group) {
    return IntStream.range(start(group), end(group));
  }

  /** The index of a group's first completion. */
  int start(int group) {
    return starts.get(group);
  }

  /** The index behind a group's last completion. */
  int end(int group) {
    return starts.get(group + 1);
  }

  /** The source file of a group. */
  String file(int group) {
    return files.get(group);
  }

  /** What a group was made from. */
  LabelledGroup source(int group) {
    return sources.get(group);
  }

  /** The features of a completion, shape [F]; not to be written. */
  float[] features(int completion) {
    return rows.get(completion);
  }

  /** What came of a completion. */
  LabelledCompletion label(int completion) {
    return labels.get(completion);
  }

  /** How many completions were left out, by reason. */
  Map<Refusal.Reason, Integer> refused() {
    return refused;
  }

  /** Returns the mean of each feature over the completions of {@code groups}, shape [F]. */
  float[] mean(int[] groups) {
    double[] sum = new double[width];
    long count = 0;
    for (int group : groups) {
      for (int i = start(group); i < end(group); i++) {
        float[] row = rows.get(i);
        for (int f = 0; f < width; f++) {
          sum[f] += row[f];
        }
        count++;
      }
    }
    float[] mean = new float[width];
    for (int f = 0; f < width; f++) {
      mean[f] = (float) (sum[f] / count);
    }
    return mean;
  }

  /**
   * Returns the standard deviation of each feature over the completions of {@code groups}, shape
   * [F]; 1 for a feature that does not vary.
   */
  float[] std(int[] groups, float[] mean) {
    double[] sum = new double[width];
    long count = 0;
    for (int group : groups) {
      for (int i = start(group); i < end(group); i++) {
        float[] row = rows.get(i);
        for (int f = 0; f < width; f++) {
          double gap = row[f] - mean[f];
          sum[f] += gap * gap;
        }
        count++;
      }
    }
    float[] std = new float[width];
    for (int f = 0; f < width; f++) {
      double value = Math.sqrt(sum[f] / count);
      std[f] = value > 1e-6 ? (float) value : 1;
    }
    return std;
  }

  /** Returns a copy whose features are (f − mean) / std. */
  FeatureTable standardized(float[] mean, float[] std) {
    FeatureTable copy = new FeatureTable(width);
    copy.labels.addAll(labels);
    copy.files.addAll(files);
    copy.sources.addAll(sources);
    copy.starts.clear();
    copy.starts.addAll(starts);
    copy.refused.putAll(refused);
    for (float[] row : rows) {
      float[] standard = Arrays.copyOf(row, width);
      for (int f = 0; f < width; f++) {
        standard[f] = (standard[f] - mean[f]) / std[f];
      }
      copy.rows.add(standard);
    }
    return copy;
  }
}
