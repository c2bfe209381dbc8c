package io.ballast.standalone.experiment.safety;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import io.ballast.inference.scoring.ScoringSource;
import io.ballast.kit.batching.BatchEngine;
import io.ballast.kit.batching.BatchGroup;
import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.rl.preference.PlattScaling;
import io.ballast.safety.core.cost.CostModel;
import io.ballast.safety.core.cost.HeadScores;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** A cost model that reads the cost of a completion from its text. */
final class ScriptedCosts implements ScoringSource<CostModel, HeadScores> {
  static final PinnedVersion ID = new PinnedVersion("scripted-cost", "1", "c".repeat(64));

  /** Log-odds of 0 and 1: so large that their probability is 0 or 1 to the last bit but one. */
  private static final double CERTAIN = 40;

  private static final int LONGEST_TEXT = 1_000;
  private static final CostModel MODEL =
      new CostModel(ID, "", 1, OptionalInt.empty(), Optional.of(new PlattScaling(1, 0)));

  /** Returns the completion whose cost is {@code cost}, 0 to 1. */
  static String completion(double cost) {
    double logOdds = Math.log(cost) - Math.log1p(-cost);
    return Double.toString(Math.clamp(logOdds, -CERTAIN, CERTAIN));
  }

  @Override
  public List<CostModel> list() {
    return List.of(MODEL);
  }

  @Override
  public Opened<HeadScores> open(CostModel model) {
    return new Opened<>(Characters.INSTANCE, LONGEST_TEXT, lane -> new Reader(), Optional.empty());
  }

  private static final class Reader implements BatchEngine<TokenIds, TokenIds, HeadScores> {
    @Override
    public List<List<HeadScores>> run(
        List<BatchGroup<TokenIds, TokenIds>> groups, CallPatience callers) {
      return groups.stream()
          .map(group -> group.items().stream().map(Reader::score).toList())
          .toList();
    }

    private static HeadScores score(TokenIds completion) {
      double logOdds = Double.parseDouble(Characters.INSTANCE.decode(completion));
      return new HeadScores.Scored(List.of(logOdds));
    }

    @Override
    public void close() {}
  }

  /** A token for each character of ASCII; 0 ends a text. */
  private enum Characters implements Tokenizer {
    INSTANCE;

    private static final int VOCABULARY = 128;

    @Override
    public TokenIds encode(String text) {
      return TokenIds.of(text.chars().toArray());
    }

    @Override
    public String decode(TokenIds tokens) {
      StringBuilder text = new StringBuilder();
      for (int token : tokens.toArray()) {
        if (token != endOfTextId()) {
          text.append((char) token);
        }
      }
      return text.toString();
    }

    @Override
    public byte[] bytesOf(int id) {
      return Character.toString(id).getBytes(StandardCharsets.US_ASCII);
    }

    @Override
    public int vocabularySize() {
      return VOCABULARY;
    }

    @Override
    public int endOfTextId() {
      return 0;
    }
  }
}
