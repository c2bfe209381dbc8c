package io.ballast.workshop.corpus;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.zip.CRC32;

/**
 * Who may see which files. Parts are disjoint by file, decided by the file's name alone: a file
 * stays in its part whatever else the corpus holds.
 */
public enum CorpusPart {
  /** Labels of java-reward/1 and java-cost/1: what runs optimise, and what serving asks. */
  REWARD_LABELS(Split.PREFERENCE, 0, 40),
  /** Labels of java-cost/2, on which the safety test rests: no run optimises against it. */
  TEST_COST_LABELS(Split.PREFERENCE, 40, 60),
  /** Labels of the display gate's models. */
  GATE_LABELS(Split.PREFERENCE, 60, 80),
  /** Prompts of runs: the policy learns here what the labels did not come from. */
  RUN_PROMPTS(Split.PREFERENCE, 80, 100),
  /** Prompts of safety tests. */
  SAFETY_TEST(Split.HELDOUT, 0, 40),
  /** Positions where two versions are compared at the end, and those that a demonstration shows. */
  COMPARISON(Split.HELDOUT, 40, 100);

  private final Split split;
  private final int from;
  private final int to;

  CorpusPart(Split split, int from, int to) {
    this.split = split;
    this.from = from;
    this.to = to;
  }

  /** The split that its files are of. */
  public Split split() {
    return split;
  }

  /** Its share of that split's files, about. */
  public int percent() {
    return to - from;
  }

  /** Returns its files in the corpus's order; none if the split was not read. */
  public List<SourceFile> files(Corpus corpus) {
    return corpus.files(split).stream().filter(this::holds).toList();
  }

  private boolean holds(SourceFile file) {
    CRC32 sum = new CRC32();
    sum.update((file.artefact() + "/" + file.path()).getBytes(StandardCharsets.UTF_8));
    long percent = sum.getValue() % 100;
    return percent >= from && percent < to;
  }
}
