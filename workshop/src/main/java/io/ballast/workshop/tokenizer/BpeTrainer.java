package io.ballast.workshop.tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Learns the merges of a byte-level BPE tokenizer: again and again, the most frequent pair of
 * neighbours becomes one token.
 *
 * <p>Counts are kept up to date merge by merge: only pieces that hold the merged pair are visited.
 * Among equally frequent pairs the one with the lowest ids wins, so that the same texts always give
 * the same tokenizer. Source: Sennrich, Haddow and Birch 2016, arXiv:1508.07909, §3.2.
 */
public final class BpeTrainer {
  /** A pair and how often it stood somewhere when this was queued. */
  private record Candidate(long count, long pair) implements Comparable<Candidate> {
    @Override
    public int compareTo(Candidate other) {
      int byCount = Long.compare(other.count, count);
      return byCount != 0 ? byCount : Long.compare(pair, other.pair);
    }
  }

  private final Map<String, Integer> pieces = new HashMap<>();
  private final List<int[]> words = new ArrayList<>();
  private final List<Integer> wordCounts = new ArrayList<>();
  private final Map<Long, Long> pairCounts = new HashMap<>();
  private final Map<Long, Set<Integer>> wordsOfPair = new HashMap<>();
  private final PriorityQueue<Candidate> queue = new PriorityQueue<>();

  /** Counts the pieces of {@code text}. */
  public void add(String text) {
    PreTokens.forEach(text, piece -> pieces.merge(piece, 1, Integer::sum));
  }

  /**
   * Trains on what was added. Call once.
   *
   * @param size the number of ids wanted, special token and bytes included, ≥ 257
   * @return a model of {@code size} ids, or fewer if the texts hold no further pair twice
   */
  public BpeModel train(int size) {
    if (size < BpeModel.FIRST_MERGE) {
      throw new IllegalArgumentException("vocabulary size: " + size + " (expected: ≥ 257)");
    }
    BpeModel model = new BpeModel();
    for (Map.Entry<String, Integer> piece : new TreeMap<>(pieces).entrySet()) {
      words.add(model.bytesAsIds(piece.getKey()));
      wordCounts.add(piece.getValue());
      count(words.size() - 1, 1, null);
    }
    pairCounts.forEach((pair, count) -> queue.add(new Candidate(count, pair)));
    while (model.size() < size) {
      Candidate best = queue.poll();
      if (best == null || best.count < 2) {
        break;
      }
      if (best.count == pairCounts.getOrDefault(best.pair, 0L)) {
        merge(best.pair, model.add((int) (best.pair >> 32), (int) best.pair));
      }
    }
    return model;
  }

  private void merge(long pair, int id) {
    Set<Long> touched = new HashSet<>();
    Set<Integer> holders = wordsOfPair.remove(pair);
    for (int word : holders == null ? Set.<Integer>of() : holders) {
      count(word, -1, touched);
      words.set(word, merged(words.get(word), pair, id));
      count(word, 1, touched);
    }
    for (long changed : touched) {
      long count = pairCounts.getOrDefault(changed, 0L);
      if (count > 0) {
        queue.add(new Candidate(count, changed));
      } else {
        pairCounts.remove(changed);
      }
    }
  }

  /** Adds the pairs of a word, {@code sign} = 1, or takes them away, −1. */
  private void count(int word, int sign, @Nullable Set<Long> touched) {
    int[] ids = words.get(word);
    for (int i = 0; i + 1 < ids.length; i++) {
      long pair = BpeModel.pair(ids[i], ids[i + 1]);
      pairCounts.merge(pair, (long) sign * wordCounts.get(word), Long::sum);
      if (sign > 0) {
        wordsOfPair.computeIfAbsent(pair, p -> new HashSet<>()).add(word);
      }
      if (touched != null) {
        touched.add(pair);
      }
    }
  }

  private static int[] merged(int[] ids, long pair, int id) {
    int[] result = new int[ids.length];
    int size = 0;
    for (int i = 0; i < ids.length; i++) {
      boolean found = i + 1 < ids.length && BpeModel.pair(ids[i], ids[i + 1]) == pair;
      result[size++] = found ? id : ids[i];
      if (found) {
        i++;
      }
    }
    return Arrays.copyOf(result, size);
  }
}
