package io.ballast.standalone.experiment.ensembles;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.EncodingOutcome;
import io.ballast.inference.onnx.FeatureVector;
import io.ballast.inference.onnx.OnnxEncoder;
import io.ballast.rl.preference.BradleyTerryLoss;
import io.ballast.standalone.experiment.ExperimentProgress;
import io.ballast.training.data.SplitRule;
import io.ballast.training.scoring.FeatureTable;
import io.ballast.training.scoring.GroupLoss;
import io.ballast.training.scoring.GroupSplit;
import io.ballast.training.scoring.HeadTrainer;
import io.ballast.training.scoring.JudgedGroup;
import io.ballast.training.scoring.JudgedGroup.Grade;
import io.ballast.training.scoring.JudgedGroup.Preference;
import io.ballast.training.scoring.LabelFlips;
import io.ballast.training.scoring.MemberTrainer;
import io.ballast.training.scoring.TrainedMembers;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.zip.GZIPInputStream;

/**
 * Short texts that many people rated from −4, very negative, to 4, very positive. Members learn
 * from pairs of texts, judged by one person each, which text is the more positive; gold is the mean
 * of people whose ratings taught nobody. A person's column is not the same person in every row, so
 * each row's ratings are split by themselves, at random.
 */
final class RatedTexts {
  /** Below the folder of real judgements. */
  static final Path FILE = Path.of("prefs", "vader_sentences_15plus_raters.jsonl.gz");

  /** What a seed's members learn from. */
  static final int PAIRS = 500;

  private static final long SPLIT_SEED = 20_231_004;

  private static final int TEXTS_AT_A_TIME = 128;
  private static final TokenIds NO_TOKENS = TokenIds.of();
  private static final ObjectMapper JSON = new ObjectMapper();

  private final List<FeatureVector> features;
  private final List<List<Double>> teachers;
  private final double[] gold;
  private final int refused;
  private final int members;
  private final HeadTrainer.Options training;

  private RatedTexts(
      List<FeatureVector> features,
      List<List<Double>> teachers,
      double[] gold,
      int refused,
      int members,
      HeadTrainer.Options training) {
    this.features = features;
    this.teachers = teachers;
    this.gold = gold;
    this.refused = refused;
    this.members = members;
    this.training = training;
  }

  /** A text with its ratings. */
  private record Row(String text, List<Double> ratings) {}

  /**
   * Reads the file and encodes its texts.
   *
   * @param most texts to use, drawn at random; the rest is left
   */
  static RatedTexts read(
      Path file, OnnxEncoder encoder, EnsemblesPlan plan, int most, ExperimentProgress progress)
      throws IOException {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(SPLIT_SEED);
    List<Row> rows = new ArrayList<>(rows(file));
    Collections.shuffle(rows, Random.from(random));
    rows = rows.subList(0, Math.min(most, rows.size()));
    List<FeatureVector> features = new ArrayList<>();
    List<List<Double>> teachers = new ArrayList<>();
    List<Double> gold = new ArrayList<>();
    int refused = 0;
    ExperimentProgress.Step step = progress.step("encoding rated texts", "texts", rows.size());
    for (int from = 0; from < rows.size(); from += TEXTS_AT_A_TIME) {
      List<Row> some = rows.subList(from, Math.min(rows.size(), from + TEXTS_AT_A_TIME));
      List<EncodingOutcome> outcomes = encoder.encode(some.stream().map(Row::text).toList());
      for (int i = 0; i < some.size(); i++) {
        List<Double> ratings = new ArrayList<>(some.get(i).ratings());
        Collections.shuffle(ratings, Random.from(random));
        if (outcomes.get(i) instanceof EncodingOutcome.Encoded encoded) {
          int half = ratings.size() / 2;
          features.add(encoded.values());
          teachers.add(List.copyOf(ratings.subList(0, half)));
          gold.add(
              ratings.subList(half, ratings.size()).stream()
                  .mapToDouble(Double::doubleValue)
                  .average()
                  .orElseThrow());
        } else {
          refused++;
        }
      }
      step.done(some.size());
    }
    return new RatedTexts(
        features,
        teachers,
        gold.stream().mapToDouble(Double::doubleValue).toArray(),
        refused,
        plan.members(),
        plan.training());
  }

  private static List<Row> rows(Path file) throws IOException {
    List<Row> rows = new ArrayList<>();
    try (BufferedReader in =
        new BufferedReader(
            new InputStreamReader(
                new GZIPInputStream(Files.newInputStream(file)), StandardCharsets.UTF_8))) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        JsonNode json = JSON.readTree(line);
        List<Double> ratings = new ArrayList<>();
        boolean numbers = true;
        for (JsonNode rating : json.path("ratings")) {
          numbers &= rating.isNumber();
          ratings.add(rating.asDouble());
        }
        if (json.path("text").asText().isBlank() || ratings.size() < 2 || !numbers) {
          throw new IOException(
              "%s: row %,d (expected: a text and two ratings or more, numbers)"
                  .formatted(file.getFileName(), rows.size() + 1));
        }
        rows.add(new Row(json.path("text").asText(), ratings));
      }
    }
    return rows;
  }

  /** How many texts there are. */
  int size() {
    return gold.length;
  }

  /** How many the encoder refused. */
  int refused() {
    return refused;
  }

  /**
   * Returns the curves of one seed: its own pairs, flips, members, and pools of all other texts.
   *
   * @param poolSize texts of a pool
   */
  GoldCurves.OfSeed curves(List<Integer> ns, int seed, double flips, int poolSize) {
    RandomGenerator random =
        RandomGeneratorFactory.of("L64X128MixRandom").create(SPLIT_SEED + seed + 1);
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < size(); i++) {
      order.add(i);
    }
    Collections.shuffle(order, Random.from(random));
    TrainedMembers trained = train(order.subList(0, 2 * PAIRS), seed, flips, random);
    List<ScoredPool> pools = new ArrayList<>();
    for (int from = 2 * PAIRS; from + poolSize <= order.size(); from += poolSize) {
      List<Integer> texts = order.subList(from, from + poolSize);
      FeatureTable table =
          FeatureTable.of(
              width(),
              List.of(group("pool", poolSize, List.of())),
              List.of(texts.stream().map(features::get).toList()));
      pools.add(
          new ScoredPool(
              trained.normalized(table), texts.stream().mapToDouble(i -> gold[i]).toArray()));
    }
    return GoldCurves.OfSeed.of(ns, pools);
  }

  private int width() {
    return features.getFirst().size();
  }

  private TrainedMembers train(
      List<Integer> texts, int seed, double flips, RandomGenerator random) {
    List<JudgedGroup> groups = new ArrayList<>();
    List<List<FeatureVector>> pairs = new ArrayList<>();
    for (int i = 0; i + 1 < texts.size(); i += 2) {
      double a = rating(texts.get(i), random);
      double b = rating(texts.get(i + 1), random);
      groups.add(group("pair " + i, 2, JudgedGroup.byValue(a, b)));
      pairs.add(List.of(features.get(texts.get(i)), features.get(texts.get(i + 1))));
    }
    List<JudgedGroup> flipped =
        groups.stream().map(group -> LabelFlips.flip(group, flips, random)).toList();
    FeatureTable table = FeatureTable.of(width(), flipped, pairs);
    return new MemberTrainer(
            new MemberTrainer.Plan(
                members,
                new GroupLoss.Preferences(BradleyTerryLoss.plain()),
                false,
                seed + 1,
                training),
            line -> {})
        .train(table, GroupSplit.of(table, SplitRule.tenths(seed)));
  }

  /** What one of the people who teach said of a text. */
  private double rating(int text, RandomGenerator random) {
    List<Double> ratings = teachers.get(text);
    return ratings.get(random.nextInt(ratings.size()));
  }

  private static JudgedGroup group(String key, int size, List<Preference> preferences) {
    return new JudgedGroup(
        key,
        NO_TOKENS,
        Collections.nCopies(size, NO_TOKENS),
        preferences,
        Collections.nCopies(size, Grade.NONE));
  }
}
