package io.ballast.loadtest.bench;

import io.ballast.loadtest.call.LoadTexts;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Contexts about as long as those of a suggestion, each different. */
final class BenchTexts {
  private static final List<String> WORDS =
      List.of(
          "for", "int", "String", "list", "size", "return", "index", "value", "new", "this",
          "public", "class", "null", "next", "while", "static", "void", "if", "else", "get");

  private BenchTexts() {}

  /** A context of some 100 tokens; another one for each index. */
  static String context(long index) {
    int count = LoadTexts.PROMPTS.size();
    String before =
        IntStream.range(0, 4)
            .mapToObj(i -> line((int) ((index + 3L * i) % count)))
            .collect(Collectors.joining("\n"));
    return before + "\n// " + index + "\n" + LoadTexts.PROMPTS.get((int) (index % count));
  }

  /** Words in an order of their own for each seed, at least {@code tokens} tokens of them. */
  static String words(long seed, int tokens) {
    SplittableRandom random = new SplittableRandom(seed);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < tokens; i++) {
      text.append(WORDS.get(random.nextInt(WORDS.size()))).append(' ');
    }
    return text.toString();
  }

  /** {@code count} ways to go on. */
  static List<String> completions(int count) {
    return Collections.nCopies(count / LoadTexts.COMPLETIONS.size() + 1, LoadTexts.COMPLETIONS)
        .stream()
        .flatMap(List::stream)
        .limit(count)
        .toList();
  }

  private static String line(int index) {
    return LoadTexts.PROMPTS.get(index) + LoadTexts.COMPLETIONS.get(index);
  }
}
