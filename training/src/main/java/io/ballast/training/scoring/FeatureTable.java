package io.ballast.training.scoring;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.onnx.FeatureOutcome;
import io.ballast.inference.onnx.FeatureOutcome.Extracted;
import io.ballast.inference.onnx.FeatureVector;
import io.ballast.inference.onnx.OnnxFeatureReader;
import io.ballast.inference.onnx.Refusal;
import io.ballast.inference.onnx.ScoringFeature;
import io.ballast.inference.onnx.ScoringGroup;
import io.ballast.training.scoring.JudgedGroup.Grade;
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
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * Features and judgements of N completions, those of a group side by side. Not changed once built.
 *
 * <p>Shape letters: N completions, P groups, F features.
 */
public final class FeatureTable {
  private static final int GROUPS_AT_A_TIME = 64;
  private static final byte READ = -1;

  private final int width;
  private final List<float[]> rows = new ArrayList<>();
  private final List<Integer> starts = new ArrayList<>();
  private final List<JudgedGroup> groups = new ArrayList<>();
  private final List<Grade> grades = new ArrayList<>();
  private final List<Integer> sources = new ArrayList<>();
  private final Map<Refusal.Reason, Integer> refused = new EnumMap<>(Refusal.Reason.class);

  private FeatureTable(int width) {
    this.width = width;
    starts.add(0);
  }

  /**
   * Reads the features of all completions; those that are refused are left out and counted.
   *
   * @param progress told how many groups are done, now and then
   */
  public static FeatureTable read(
      OnnxFeatureReader reader, List<JudgedGroup> groups, IntConsumer progress) {
    return table(reader.featureCount(), groups, outcomes(reader, groups, progress));
  }

  /**
   * Reads the features as {@link #read(OnnxFeatureReader, List, IntConsumer)} does, or from {@code
   * cache} if it holds those of just these groups; else writes them there. Rewards and costs of the
   * same labels share them.
   *
   * @param key names trunk, features and groups
   */
  public static FeatureTable read(
      OnnxFeatureReader reader,
      List<JudgedGroup> groups,
      Path cache,
      String key,
      IntConsumer progress)
      throws IOException {
    if (Files.isRegularFile(cache)) {
      Optional<List<List<FeatureOutcome>>> known =
          readCache(cache, key, groups, reader.featureCount());
      if (known.isPresent()) {
        return table(reader.featureCount(), groups, known.get());
      }
    }
    List<List<FeatureOutcome>> outcomes = outcomes(reader, groups, progress);
    writeCache(cache, key, outcomes);
    return table(reader.featureCount(), groups, outcomes);
  }

  /**
   * Returns a table of features that were read elsewhere, such as by an encoder; what the groups'
   * completions are as tokens does not matter.
   *
   * @param features shape [groups][completions of each][F]
   * @throws IllegalArgumentException if a shape differs, named
   */
  public static FeatureTable of(
      int width, List<JudgedGroup> groups, List<List<FeatureVector>> features) {
    requireCount("features", features.size(), groups.size());
    List<List<FeatureOutcome>> outcomes = new ArrayList<>();
    for (int g = 0; g < groups.size(); g++) {
      String name = "features[" + g + "]";
      requireCount(name, features.get(g).size(), groups.get(g).completions().size());
      List<FeatureOutcome> ofGroup = new ArrayList<>();
      for (int i = 0; i < features.get(g).size(); i++) {
        FeatureVector vector = features.get(g).get(i);
        requireCount(name + "[" + i + "]", vector.size(), width);
        ofGroup.add(new Extracted(vector, PerToken.of()));
      }
      outcomes.add(ofGroup);
    }
    return table(width, groups, outcomes);
  }

  private static void requireCount(String name, int count, int expected) {
    if (count != expected) {
      throw new IllegalArgumentException(
          "%s: length %d (expected: %d)".formatted(name, count, expected));
    }
  }

  /** Returns a table without features. */
  static FeatureTable ofLabels(List<JudgedGroup> groups) {
    FeatureOutcome nothing = new Extracted(FeatureVector.of(), PerToken.of());
    return table(
        0,
        groups,
        groups.stream()
            .map(group -> Collections.nCopies(group.completions().size(), nothing))
            .toList());
  }

  private static List<List<FeatureOutcome>> outcomes(
      OnnxFeatureReader reader, List<JudgedGroup> groups, IntConsumer progress) {
    List<List<FeatureOutcome>> outcomes = new ArrayList<>(groups.size());
    for (int first = 0; first < groups.size(); first += GROUPS_AT_A_TIME) {
      List<JudgedGroup> part =
          groups.subList(first, Math.min(groups.size(), first + GROUPS_AT_A_TIME));
      outcomes.addAll(
          reader.read(
              part.stream()
                  .map(group -> new ScoringGroup(group.prompt(), group.completions()))
                  .toList()));
      progress.accept(outcomes.size());
    }
    return outcomes;
  }

  private static Optional<List<List<FeatureOutcome>>> readCache(
      Path cache, String key, List<JudgedGroup> groups, int width) throws IOException {
    List<List<FeatureOutcome>> outcomes = new ArrayList<>(groups.size());
    try (DataInputStream in =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(cache), 1 << 16))) {
      if (!in.readUTF().equals(key)) {
        return Optional.empty();
      }
      for (JudgedGroup group : groups) {
        List<FeatureOutcome> ofGroup = new ArrayList<>();
        for (int i = 0; i < group.completions().size(); i++) {
          int refusal = in.readByte();
          if (refusal == READ) {
            float[] row = new float[width];
            for (int f = 0; f < width; f++) {
              row[f] = in.readFloat();
            }
            ofGroup.add(new Extracted(FeatureVector.of(row), PerToken.of()));
          } else {
            ofGroup.add(new Refusal(Refusal.Reason.values()[refusal], "refused before"));
          }
        }
        outcomes.add(ofGroup);
      }
      return Optional.of(outcomes);
    } catch (EOFException e) {
      return Optional.empty(); // a run that was stopped
    }
  }

  private static void writeCache(Path cache, String key, List<List<FeatureOutcome>> outcomes)
      throws IOException {
    try (DataOutputStream out =
        new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(cache), 1 << 16))) {
      out.writeUTF(key);
      for (List<FeatureOutcome> ofGroup : outcomes) {
        for (FeatureOutcome outcome : ofGroup) {
          switch (outcome) {
            case Extracted extracted -> {
              out.writeByte(READ);
              for (float value : extracted.features().toArray()) {
                out.writeFloat(value);
              }
            }
            case Refusal refusal -> out.writeByte(refusal.reason().ordinal());
          }
        }
      }
    }
  }

  private static FeatureTable table(
      int width, List<JudgedGroup> groups, List<List<FeatureOutcome>> outcomes) {
    FeatureTable table = new FeatureTable(width);
    for (int g = 0; g < groups.size(); g++) {
      table.add(g, groups.get(g), outcomes.get(g));
    }
    return table;
  }

  private void add(int source, JudgedGroup group, List<FeatureOutcome> outcomes) {
    boolean[] kept = new boolean[outcomes.size()];
    for (int i = 0; i < outcomes.size(); i++) {
      switch (outcomes.get(i)) {
        case Extracted extracted -> {
          rows.add(extracted.features().toArray());
          kept[i] = true;
        }
        case Refusal refusal -> refused.merge(refusal.reason(), 1, Integer::sum);
      }
    }
    if (rows.size() > starts.getLast()) {
      starts.add(rows.size());
      groups.add(group.only(kept));
      grades.addAll(groups.getLast().grades());
      sources.add(source);
    }
  }

  /** N. */
  public int size() {
    return rows.size();
  }

  /** F. */
  public int width() {
    return width;
  }

  /** P, without groups of which nothing could be read. */
  public int groups() {
    return groups.size();
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

  /** A group, without completions that were refused. */
  public JudgedGroup group(int group) {
    return groups.get(group);
  }

  /** Where a group stood among those that were read. */
  public int source(int group) {
    return sources.get(group);
  }

  /** What was said of a completion by itself. */
  Grade grade(int completion) {
    return grades.get(completion);
  }

  /** The features of a completion, shape [F]; not to be written. */
  float[] features(int completion) {
    return rows.get(completion);
  }

  /** How many completions were refused, by reason. */
  public Map<Refusal.Reason, Integer> refused() {
    return Collections.unmodifiableMap(refused);
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

  /**
   * Returns a copy with some of the features.
   *
   * @param features what the rows hold, in order
   * @param kept some of them, in the same order
   * @param hiddenSize of the trunk
   */
  FeatureTable only(List<ScoringFeature> features, List<ScoringFeature> kept, int hiddenSize) {
    boolean[] stays = new boolean[width];
    int at = 0;
    for (ScoringFeature feature : features) {
      int end = at + feature.width(hiddenSize);
      Arrays.fill(stays, at, end, kept.contains(feature));
      at = end;
    }
    int[] columns = IntStream.range(0, width).filter(f -> stays[f]).toArray();
    FeatureTable copy = withoutRows(columns.length);
    for (float[] row : rows) {
      float[] some = new float[columns.length];
      for (int f = 0; f < some.length; f++) {
        some[f] = row[columns[f]];
      }
      copy.rows.add(some);
    }
    return copy;
  }

  private FeatureTable withoutRows(int columns) {
    FeatureTable copy = new FeatureTable(columns);
    copy.groups.addAll(groups);
    copy.grades.addAll(grades);
    copy.sources.addAll(sources);
    copy.starts.clear();
    copy.starts.addAll(starts);
    copy.refused.putAll(refused);
    return copy;
  }

  /** Returns a copy whose features are (f − mean) / std. */
  FeatureTable standardized(float[] mean, float[] std) {
    FeatureTable copy = withoutRows(width);
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
