package io.ballast.inference.brought;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.brought.MemberRows.Reading;
import io.ballast.inference.onnx.EncodingOutcome;
import io.ballast.inference.onnx.EncodingOutcome.Encoded;
import io.ballast.inference.onnx.Refusal;
import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.error.MeshException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** One member, loaded. Thread-safe. */
final class OpenMember implements AutoCloseable {
  private static final String MODEL = "model.onnx";
  private static final String CONFIG = "config.json";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final BroughtMember member;
  private final Classifier classifier;
  private final ScoreReading.Reader reader;
  private final int maxTokens;

  private OpenMember(
      BroughtMember member, Classifier classifier, ScoreReading.Reader reader, int maxTokens) {
    this.member = member;
    this.classifier = classifier;
    this.reader = reader;
    this.maxTokens = maxTokens;
  }

  /**
   * Loads a member: from a Triton where it is there, from ONNX where its folder has a model.onnx, a
   * decoder with a classifier's head otherwise.
   *
   * @param at where it stands in its manifest, such as {@code members[0]}
   * @param folder empty if the member has none
   * @throws ModelException INVALID_FOLDER if a file is missing or is not what it should be, or the
   *     manifest asks for what the model has not; CORRUPT_WEIGHTS if a checksum differs
   */
  static OpenMember open(
      BroughtMember member, String at, Optional<Path> folder, BroughtEngines engines) {
    Classifier classifier = classifier(member, at, folder, engines);
    try {
      List<String> names = folder.map(OpenMember::labels).orElse(List.of());
      ScoreReading.Reader reader = member.score().reader(names, classifier.labels());
      int most = member.maxTokens().orElse(classifier.maxTokens());
      if (most > classifier.maxTokens()) {
        throw new ModelException(
            Reason.INVALID_FOLDER,
            "%s.max_tokens: %,d (expected: at most %,d, which %s reads)"
                .formatted(at, most, classifier.maxTokens(), member.id()));
      }
      return new OpenMember(member, classifier, reader, most);
    } catch (IllegalArgumentException e) {
      classifier.close();
      throw new ModelException(
          Reason.INVALID_FOLDER, "%s.score.%s".formatted(at, e.getMessage()), e);
    } catch (RuntimeException e) {
      classifier.close();
      throw e;
    }
  }

  private static Classifier classifier(
      BroughtMember member, String at, Optional<Path> folder, BroughtEngines engines) {
    if (member.triton().isPresent()) {
      TritonModel there = member.triton().get();
      if (member.pooling().isPresent()) {
        throw new ModelException(
            Reason.INVALID_FOLDER,
            "%s.pooling: %s (expected: none, for Triton gives a row's numbers)"
                .formatted(at, member.pooling().get().code()));
      }
      return TritonClassifier.open(there, at + ".triton.", engines.triton().open(there.served()));
    }
    Path own = folder.orElseThrow();
    return Files.isRegularFile(own.resolve(MODEL))
        ? OnnxClassifier.open(own, member.pooling(), engines.onnx())
        : DecoderClassifier.open(own, member.pooling());
  }

  /** The labels' names, in the order of the outputs; none where the model names none. */
  private static List<String> labels(Path folder) {
    Path file = folder.resolve(CONFIG);
    List<String> names = new ArrayList<>();
    if (Files.isRegularFile(file)) {
      try {
        JsonNode labels = JSON.readTree(file.toFile()).path("id2label");
        while (labels.has(Integer.toString(names.size()))) {
          names.add(labels.path(Integer.toString(names.size())).asText());
        }
      } catch (IOException e) {
        throw new ModelException(Reason.INVALID_FOLDER, file + ": " + e.getMessage(), e);
      }
    }
    return names;
  }

  BroughtMember member() {
    return member;
  }

  /** Why it is ready on none of its Tritons; empty if it is, or runs here. */
  Optional<String> noneReady() {
    return classifier.noneReady().map(why -> member.id() + ": " + why);
  }

  /** The most tokens of a row. */
  int maxTokens() {
    return maxTokens;
  }

  /** Ids of tokens are below this. */
  int vocabularySize() {
    return classifier.vocabularySize();
  }

  /**
   * Scores every row; one that has no score, or could not be read, fails alone.
   *
   * @return shape [N], in the order of {@code readings}
   * @throws MeshException if it is elsewhere, and can do nothing for anybody now
   */
  List<MemberScore> score(List<Reading> readings, CallPatience callers) {
    MemberScore[] scores = new MemberScore[readings.size()];
    List<Integer> places = new ArrayList<>();
    List<TokenIds> rows = new ArrayList<>();
    for (int i = 0; i < readings.size(); i++) {
      switch (readings.get(i)) {
        case Reading.Refused(ItemFault fault) ->
            scores[i] = missing(fault.reason(), fault.message());
        case Reading.Row(TokenIds row) when row.size() > maxTokens ->
            scores[i] =
                missing(
                    ItemFault.Reason.TOO_LONG,
                    "%,d tokens, limit %,d".formatted(row.size(), maxTokens));
        case Reading.Row(TokenIds row) when row.size() == 0 ->
            scores[i] =
                missing(ItemFault.Reason.INVALID_INPUT, "no tokens (expected: at least one)");
        case Reading.Row(TokenIds row) -> {
          places.add(i);
          rows.add(row);
        }
      }
    }
    List<MemberScore> found = apart(rows, callers);
    for (int p = 0; p < places.size(); p++) {
      scores[places.get(p)] = found.get(p);
    }
    return List.of(scores);
  }

  /** Together; each by itself if the engine fails, so that no row fails for another. */
  private List<MemberScore> apart(List<TokenIds> rows, CallPatience callers) {
    try {
      return together(rows, callers);
    } catch (MeshException e) {
      throw e; // it is no row's fault
    } catch (RuntimeException e) {
      if (rows.size() == 1) {
        return List.of(missing(ItemFault.Reason.MODEL_ERROR, String.valueOf(e.getMessage())));
      }
      return rows.stream().map(row -> apart(List.of(row), callers).getFirst()).toList();
    }
  }

  private List<MemberScore> together(List<TokenIds> rows, CallPatience callers) {
    return rows.isEmpty()
        ? List.of()
        : classifier.outputs(rows, callers).stream().map(this::score).toList();
  }

  private MemberScore score(EncodingOutcome outcome) {
    return switch (outcome) {
      case Encoded encoded -> {
        double read = reader.read(encoded.values().toArray());
        double score = member.lowerIsBetter() ? -read : read;
        yield Double.isFinite(score)
            ? new MemberScore.Value(score)
            : missing(ItemFault.Reason.MODEL_ERROR, "score: " + score + " (expected: finite)");
      }
      case Refusal refusal -> missing(ItemFault.Reason.MODEL_ERROR, refusal.detail());
    };
  }

  private MemberScore missing(ItemFault.Reason reason, String why) {
    return new MemberScore.Missing(new ItemFault(reason, member.id() + ": " + why));
  }

  @Override
  public void close() {
    classifier.close();
  }
}
