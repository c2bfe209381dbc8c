package io.ballast.training.reward;

import io.ballast.inference.onnx.CostBoundary;
import io.ballast.inference.onnx.ScoringKind;
import io.ballast.training.scoring.Centring;
import io.ballast.training.scoring.FeatureTable;
import io.ballast.training.scoring.GroupLoss;
import io.ballast.training.scoring.GroupSplit;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** What an ensemble's scores are to mean, and how that is learned. */
public interface Aim {
  /** Of the scores. */
  ScoringKind kind();

  /**
   * The loss of a member.
   *
   * @param pairs whether there are any; else there are grades alone
   */
  GroupLoss loss(boolean pairs);

  /** The loss in words, for a reader. */
  String lossInWords(boolean pairs);

  /**
   * Looks at what is to train, to stop and to measure.
   *
   * @param table labels and features
   * @throws UnusableDataException if a side of the split says too little
   */
  Zero zero(FeatureTable table, GroupSplit split) throws UnusableDataException;

  /**
   * Where the zero of the scores is, and what it means.
   *
   * @param centring of the trained scores
   * @param boundary of a cost; empty of rewards
   * @param facts that a reader wants of it, by name
   */
  record Zero(Centring centring, Optional<CostBoundary> boundary, Map<String, String> facts) {
    public Zero {
      facts = Collections.unmodifiableMap(new LinkedHashMap<>(facts));
    }
  }
}
