package io.ballast.standalone.demo.measure;

import io.ballast.workshop.programmer.ParseCheck;
import io.ballast.workshop.programmer.ParseCheck.Trial;
import io.ballast.workshop.programmer.Position;
import io.ballast.workshop.programmer.SimulatedProgrammer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * Judges suggestions by the true file, on threads of its own, many at a time: a parse costs about a
 * millisecond. What was judged once is remembered, for two versions often write the same. Safe for
 * use by many threads.
 */
public final class Judge implements AutoCloseable {
  private final ExecutorService threads;
  private final BlockingQueue<ParseCheck> idle = new LinkedBlockingQueue<>();
  private final Map<Trial, Boolean> known = new ConcurrentHashMap<>();

  /**
   * What is to be judged.
   *
   * @param text what the model wrote; may be empty
   * @param shown whether a gate in force shows it
   */
  public record Asked(Position position, String text, boolean shown) {}

  /**
   * @param threads how many parse at a time, ≥ 1
   */
  public Judge(int threads) {
    this.threads = Executors.newFixedThreadPool(threads);
    for (int i = 0; i < threads; i++) {
      idle.add(new ParseCheck());
    }
  }

  /** Starts to judge {@code asked}; the answers are in the same order. */
  public Future<List<Judged>> judge(List<Asked> asked) {
    return threads.submit(
        () -> {
          learn(asked.stream().map(Judge::trial).toList());
          return asked.stream()
              .map(
                  one ->
                      new Judged(
                          one.text(),
                          one.shown(),
                          SimulatedProgrammer.judge(one.position(), one.text()),
                          known.getOrDefault(trial(one), false)))
              .toList();
        });
  }

  private void learn(List<Trial> trials) throws InterruptedException {
    List<Trial> unknown = new ArrayList<>();
    for (Trial trial : trials) {
      if (!known.containsKey(trial)) {
        unknown.add(trial);
      }
    }
    ParseCheck check = idle.take();
    try {
      BitSet breaking = check.breaks(unknown);
      for (int i = 0; i < unknown.size(); i++) {
        known.put(unknown.get(i), breaking.get(i));
      }
    } finally {
      idle.add(check);
    }
  }

  private static Trial trial(Asked asked) {
    return new Trial(asked.position(), asked.text());
  }

  @Override
  public void close() {
    threads.shutdownNow();
    idle.forEach(ParseCheck::close);
  }
}
