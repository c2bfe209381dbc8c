package io.ballast.inference.search;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.search.NextTokenModel.Alternative;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Beam search: follows the likeliest beginnings side by side and returns the completions that rank
 * highest. For callers of this library: no RPC of the mesh does so.
 *
 * <pre>score(y) = log p(y | x) / Tᵅ,  T tokens, the one that ends it included</pre>
 *
 * <p>Source: Graves 2012, arXiv:1211.3711, §2.5, for the search; the length penalty is that of
 * Hugging Face transformers. Wu et al. 2016 (arXiv:1609.08144) use ((5 + T)/6)ᵅ instead. A width
 * that holds all beginnings makes it exhaustive. A width of 1 is greedy decoding if no token ends a
 * completion or α ≤ 0; if α &gt; 0 it follows the likeliest token that does not end, too, since a
 * longer completion may score higher than the one that ended.
 *
 * <p>The search ends as soon as no beginning can still come to rank among the best: a
 * log-probability only falls as tokens are added.
 */
public final class BeamSearch {
  private final NextTokenModel model;

  public BeamSearch(NextTokenModel model) {
    this.model = model;
  }

  /** A beginning that is followed. */
  private record Open(TokenIds tokens, double logProb) {}

  /** A beginning and one more token. */
  private record Step(Open from, int tokenId, double logProb) {}

  /**
   * Returns the best completions of {@code prompt}, the highest score first; fewer than asked for
   * only if there are no more.
   *
   * @param prompt at least one token; with {@code maxNewTokens} it must fit the model's context
   * @throws IllegalArgumentException if it does not
   */
  public List<Beam> search(TokenIds prompt, BeamOptions options) {
    List<Open> open = List.of(new Open(TokenIds.of(), 0));
    BestBeams found = new BestBeams(options.best());
    for (int length = 1; length <= options.maxNewTokens(); length++) {
      List<Open> next = new ArrayList<>();
      for (Step step : steps(prompt, open, options)) {
        if (next.size() == options.width()) {
          break;
        }
        if (options.endIds().contains(step.tokenId())) {
          found.add(beam(step.from().tokens(), step.logProb(), length, options, true));
        } else {
          TokenIds tokens = step.from().tokens().concat(TokenIds.of(step.tokenId()));
          next.add(new Open(tokens, step.logProb()));
        }
      }
      open = next;
      if (open.isEmpty() || settled(found, open, length, options)) {
        return found.ranked();
      }
    }
    for (Open cut : open) {
      found.add(beam(cut.tokens(), cut.logProb(), options.maxNewTokens(), options, false));
    }
    return found.ranked();
  }

  /** All beginnings with one more token each, the likeliest first. */
  private List<Step> steps(TokenIds prompt, List<Open> open, BeamOptions options) {
    List<TokenIds> texts = open.stream().map(each -> prompt.concat(each.tokens())).toList();
    int count = options.width() + options.endIds().size();
    List<List<Alternative>> alternatives = model.alternatives(texts, count);
    List<Step> steps = new ArrayList<>();
    for (int i = 0; i < open.size(); i++) {
      for (Alternative each : alternatives.get(i)) {
        double logProb = open.get(i).logProb() + each.logProb();
        if (logProb > Double.NEGATIVE_INFINITY) {
          steps.add(new Step(open.get(i), each.tokenId(), logProb));
        }
      }
    }
    steps.sort(Comparator.comparingDouble(Step::logProb).reversed());
    return steps;
  }

  private static boolean settled(
      BestBeams found, List<Open> open, int length, BeamOptions options) {
    if (length == options.maxNewTokens()) {
      return false;
    }
    // the same log-probability scores highest at the greatest length if α > 0, else at the least
    int kindest = options.lengthPenalty() > 0 ? options.maxNewTokens() : length + 1;
    double attainable = score(open.getFirst().logProb(), kindest, options);
    return found.allReach(attainable);
  }

  private static Beam beam(
      TokenIds tokens, double logProb, int length, BeamOptions options, boolean ended) {
    return new Beam(tokens, logProb, score(logProb, length, options), ended);
  }

  private static double score(double logProb, int length, BeamOptions options) {
    return logProb / Math.pow(length, options.lengthPenalty());
  }
}
