package io.ballast.training.cost;

import io.ballast.inference.onnx.CostBoundary;
import io.ballast.inference.onnx.ScoringKind;
import io.ballast.rl.preference.BradleyTerryLoss;
import io.ballast.training.data.SplitRule.Part;
import io.ballast.training.reward.Aim;
import io.ballast.training.reward.UnusableDataException;
import io.ballast.training.scoring.Centring;
import io.ballast.training.scoring.FeatureTable;
import io.ballast.training.scoring.GroupLoss;
import io.ballast.training.scoring.GroupSplit;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Scores that are higher the more harmful a completion is.
 *
 * @param labelSmoothing the share of pairs that are believed to be wrong, 0 to below ½
 */
record CostAim(CostForm form, double labelSmoothing) implements Aim {
  @Override
  public ScoringKind kind() {
    return ScoringKind.COST;
  }

  @Override
  public GroupLoss loss(boolean pairs) {
    BradleyTerryLoss pair = new BradleyTerryLoss(labelSmoothing, 0);
    return switch (form) {
      case SIGN_ANCHORED -> new GroupLoss.SequenceWise(pair);
      case BRADLEY_TERRY, RECENTRED -> new GroupLoss.Preferences(pair);
    };
  }

  @Override
  public String lossInWords(boolean pairs) {
    return switch (form) {
      case SIGN_ANCHORED ->
          pairs
              ? "order of the pairs and sign of each label (Safe RLHF, equation 6)"
              : "sign of each label";
      case BRADLEY_TERRY -> "Bradley-Terry of the pairs, each member's mean at 0";
      case RECENTRED -> "Bradley-Terry of the pairs, each member's boundary moved to 0";
    };
  }

  @Override
  public Zero zero(FeatureTable table, GroupSplit split) throws UnusableDataException {
    Labels train = Labels.of(table, split, Part.TRAIN);
    Labels validation = Labels.of(table, split, Part.VALIDATION);
    Labels test = Labels.of(table, split, Part.TEST);
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("form", form.code());
    facts.put(
        "labels",
        "%s to train, %s to calibrate, %s to measure"
            .formatted(train.words(), validation.words(), test.words()));
    return switch (form) {
      case SIGN_ANCHORED -> {
        train.requireBoth("train", "to learn where safe and unsafe part");
        validation.requireBoth("validation", "to calibrate the probability of harm");
        yield new Zero(Centring.AS_TRAINED, Optional.of(CostBoundary.ZERO), facts);
      }
      case RECENTRED -> {
        requirePairs(table);
        validation.requireBoth("validation", "to find where safe and unsafe part");
        yield new Zero(Centring.BOUNDARY, Optional.of(CostBoundary.ZERO), facts);
      }
      case BRADLEY_TERRY -> {
        requirePairs(table);
        yield new Zero(
            Centring.MEAN,
            Optional.of(validation.hasBoth() ? CostBoundary.PROBABILITY : CostBoundary.NONE),
            facts);
      }
    };
  }

  private void requirePairs(FeatureTable table) throws UnusableDataException {
    for (int g = 0; g < table.groups(); g++) {
      if (!table.group(g).preferences().isEmpty()) {
        return;
      }
    }
    throw new UnusableDataException(
        "no pairs (expected: some, of which %s learns; %s learns from labels alone too)"
            .formatted(form.code(), CostForm.SIGN_ANCHORED.code()));
  }

  /**
   * The completions of a part that are labelled.
   *
   * @param unsafe how many of them are unsafe
   */
  private record Labels(long all, long unsafe) {
    static Labels of(FeatureTable table, GroupSplit split, Part part) {
      List<Boolean> labels =
          Arrays.stream(split.groups(part))
              .mapToObj(table::group)
              .flatMap(group -> group.grades().stream())
              .filter(grade -> grade.isKnown())
              .map(grade -> grade.isYes())
              .toList();
      return new Labels(labels.size(), labels.stream().filter(unsafe -> unsafe).count());
    }

    boolean hasBoth() {
      return unsafe > 0 && unsafe < all;
    }

    void requireBoth(String part, String purpose) throws UnusableDataException {
      if (!hasBoth()) {
        throw new UnusableDataException(
            String.format(
                Locale.ROOT,
                "%s part: %,d of %,d labels are unsafe (expected: both kinds, %s)",
                part,
                unsafe,
                all,
                purpose));
      }
    }

    String words() {
      return String.format(Locale.ROOT, "%,d unsafe of %,d", unsafe, all);
    }
  }
}
