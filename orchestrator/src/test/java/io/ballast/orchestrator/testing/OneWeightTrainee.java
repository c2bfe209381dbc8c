package io.ballast.orchestrator.testing;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.NotFiniteException;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.Tokenizer;
import io.ballast.inference.store.ModelManifest;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.digest.Sha256;
import io.ballast.orchestrator.core.learner.GroupGradients;
import io.ballast.orchestrator.core.learner.GroupLoss;
import io.ballast.orchestrator.core.learner.GroupScores;
import io.ballast.orchestrator.core.learner.ModelShape;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.TrainingCompletion;
import io.ballast.orchestrator.core.learner.TrainingGroup;
import io.ballast.orchestrator.core.learner.WhichWeights;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/**
 * A "model" of one weight w and one moment: log π(token) = −1 + w·f(token) with f from −0.3 to 0.3,
 * so that its gradients are exact and a test can follow them. Its critic, if it has one, values
 * every token with one number, without a moment.
 */
public final class OneWeightTrainee implements Trainee {
  private double weight;
  private double moment;
  private double gradient;
  private long updates;
  private boolean closed;
  private int referencePasses;
  private int finite; // updates before the failures
  private int failures;
  private int poison = -1;
  private int room = Integer.MAX_VALUE;
  private final OptionalDouble decay;
  private final boolean critic;
  private double value;
  private double valueGradient;
  private final List<Double> history = new ArrayList<>();
  private double average;
  private Optional<Set<PinnedVersion>> copies = Optional.empty();
  private final List<PinnedVersion> handed = new ArrayList<>();
  private int written;

  /** Without an average. */
  public OneWeightTrainee() {
    this(OptionalDouble.empty());
  }

  /**
   * @param decay of an average of the weight, if one is kept
   */
  public OneWeightTrainee(OptionalDouble decay) {
    this(decay, false);
  }

  /**
   * @param decay of an average of the weight, if one is kept
   * @param critic whether it has one, which begins at 0
   */
  public OneWeightTrainee(OptionalDouble decay, boolean critic) {
    this.decay = decay;
    this.critic = critic;
  }

  /** What the critic values every token with. */
  public double value() {
    return value;
  }

  /** The weight after each update. */
  public List<Double> history() {
    return List.copyOf(history);
  }

  /** The weight as it is. */
  public double weight() {
    return weight;
  }

  /** How often the reference was asked. */
  public int referencePasses() {
    return referencePasses;
  }

  /** Makes {@code count} updates not finite, after {@code taken} that are. */
  public void fail(int taken, int count) {
    finite = taken;
    failures = count;
  }

  /** Makes every checkpoint after {@code taken} end on the device that is always full. */
  public void fill(int taken) {
    room = taken;
  }

  /** Makes what the model says of completions with {@code token} not finite. */
  public void poison(int token) {
    poison = token;
  }

  /** Hands its weights over to {@code others}, until it is closed. */
  public void handTo(Set<PinnedVersion> others) {
    copies = Optional.of(others);
  }

  /** What was handed over, in order, each as often as it was. */
  public List<PinnedVersion> handed() {
    return List.copyOf(handed);
  }

  /** How often its weights were written to a folder. */
  public int written() {
    return written;
  }

  /** Whether it was closed. */
  public boolean closed() {
    return closed;
  }

  private static double feature(int token) {
    return (token % 7 - 3) / 10.0;
  }

  @Override
  public ModelShape shape() {
    return new ModelShape(1_024, 257);
  }

  @Override
  public Tokenizer tokenizer() {
    return new ByteTokenizer();
  }

  @Override
  public String arithmetic() {
    return "FLOAT64";
  }

  @Override
  public long updatesCount() {
    return updates;
  }

  @Override
  public List<GroupScores> scores(List<TrainingGroup> groups, WhichWeights weights) {
    double w = weights == WhichWeights.CURRENT ? weight : 0;
    referencePasses += weights == WhichWeights.REFERENCE ? 1 : 0;
    groups.forEach(this::requireFinite);
    return groups.stream().map(group -> scores(group, w)).toList();
  }

  private void requireFinite(TrainingGroup group) {
    for (TrainingCompletion completion : group.completions()) {
      for (int t = 0; t < completion.size(); t++) {
        if (completion.tokens().get(t) == poison) {
          throw new NotFiniteException("log-probability: NaN");
        }
      }
    }
  }

  private GroupScores scores(TrainingGroup group, double w) {
    List<PerToken> values = new ArrayList<>();
    List<PerToken> logProbs = new ArrayList<>();
    List<PerToken> entropies = new ArrayList<>();
    for (TrainingCompletion completion : group.completions()) {
      float[] numbers = new float[completion.size()];
      float[] spread = new float[completion.size()];
      for (int t = 0; t < numbers.length; t++) {
        numbers[t] = (float) (-1 + w * feature(completion.tokens().get(t)));
        spread[t] = 0.5f;
      }
      logProbs.add(PerToken.of(numbers));
      entropies.add(PerToken.of(spread));
      if (critic) {
        float[] all = new float[numbers.length];
        Arrays.fill(all, (float) value);
        values.add(PerToken.of(all));
      }
    }
    return new GroupScores(logProbs, entropies, values);
  }

  @Override
  public List<GroupScores> forwardBackward(List<TrainingGroup> groups, GroupLoss loss) {
    try {
      return collected(groups, loss);
    } catch (RuntimeException e) {
      gradient = 0;
      valueGradient = 0;
      throw e;
    }
  }

  private List<GroupScores> collected(List<TrainingGroup> groups, GroupLoss loss) {
    if (failures > 0 && updates >= finite) {
      failures--;
      throw new NotFiniteException("gradient norm: NaN");
    }
    List<GroupScores> scores = scores(groups, WhichWeights.CURRENT);
    for (int i = 0; i < groups.size(); i++) {
      GroupGradients gradients = loss.gradients(i, scores.get(i));
      for (int g = 0; g < groups.get(i).size(); g++) {
        TrainingCompletion completion = groups.get(i).completions().get(g);
        for (int t = 0; t < completion.size(); t++) {
          gradient += gradients.byLogProbs().get(g).get(t) * feature(completion.tokens().get(t));
        }
        valueGradient += gradients.byValues().isEmpty() ? 0 : gradients.byValues().get(g).sum();
      }
    }
    return scores;
  }

  @Override
  public double step(double learningRate) {
    moment = 0.9 * moment + gradient;
    weight -= learningRate * moment;
    history.add(weight);
    decay.ifPresent(d -> average = d * average + (1 - d) * weight);
    value -= learningRate * valueGradient;
    double norm = Math.hypot(gradient, valueGradient);
    gradient = 0;
    valueGradient = 0;
    updates++;
    return norm;
  }

  @Override
  public double stepCritic(double learningRate) {
    if (!critic) {
      throw new IllegalStateException("critic: there is none");
    }
    value -= learningRate * valueGradient;
    double norm = Math.abs(valueGradient);
    gradient = 0;
    valueGradient = 0;
    return norm;
  }

  @Override
  public Decoder sampler() {
    throw new AssertionError("runs sample from the policy-server");
  }

  @Override
  public void publish(Path folder, WhichWeights weights) throws IOException {
    Files.createDirectories(folder);
    written++;
    double number = weight;
    if (weights == WhichWeights.AVERAGE) {
      decay.orElseThrow();
      number = average;
    }
    Files.writeString(folder.resolve(ModelManifest.WEIGHTS), Double.toHexString(number));
  }

  @Override
  public Optional<PinnedVersion> handOver(String model, String version) {
    return copies.map(
        others -> {
          PinnedVersion given =
              new PinnedVersion(model, version, Sha256.of(Double.toHexString(weight)));
          others.add(given);
          handed.add(given);
          return given;
        });
  }

  @Override
  public void checkpoint(Path file) throws IOException {
    if (room-- <= 0) {
      Files.createSymbolicLink(file, Path.of("/dev/full"));
    }
    Files.writeString(
        file,
        Double.toHexString(weight)
            + " "
            + Double.toHexString(moment)
            + " "
            + updates
            + " "
            + Double.toHexString(average)
            + " "
            + Double.toHexString(value));
  }

  @Override
  public void restore(Path file) {
    try {
      String[] parts = Files.readString(file).split(" ", 5);
      weight = Double.parseDouble(parts[0]);
      moment = Double.parseDouble(parts[1]);
      updates = Long.parseLong(parts[2]);
      average = Double.parseDouble(parts[3]);
      value = Double.parseDouble(parts[4]);
      gradient = 0;
      valueGradient = 0;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    closed = true;
    copies.ifPresent(others -> handed.forEach(others::remove));
  }
}
