package io.ballast.standalone.experiment.gate;

import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.core.gatefit.TreeGrower;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.GZIPInputStream;

/**
 * Suggestions that programmers accepted or rejected, as both stages of a gate may see them: stage 1
 * the prompt, the document and what the programmer did before; stage 2 the suggestion too.
 *
 * <p>Source: microsoft/coderec_programming_states (MIT), featureframe of the user study of Mozannar
 * et al. 2024.
 */
final class CoderecRows {
  /** Where the file lies in the folder of data sets. */
  static final Path FILE = Path.of("cdhf", "coderec_features.csv.gz");

  private static final int HISTORY = 5;

  /** Of the measurements: prompt characters, prompt words, index, document, prompt, its end. */
  private static final int[] OF_PROMPT = {1, 3, 4, 7, 10, 11};

  /** Suggestion characters and words, compared characters, confidence, lines, tokens, … */
  private static final int[] OF_SUGGESTION = {0, 2, 5, 6, 8, 9, 12, 13, 14};

  private final List<String> users = new ArrayList<>();
  private final List<Boolean> accepted = new ArrayList<>();
  private final List<float[]> contexts = new ArrayList<>();
  private final List<float[]> suggestions = new ArrayList<>();

  private CoderecRows() {}

  /**
   * Reads the file.
   *
   * @throws IOException if it is not what it should be, naming the line
   */
  static CoderecRows read(Path file) throws IOException {
    CoderecRows rows = new CoderecRows();
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(
                new GZIPInputStream(Files.newInputStream(file)), StandardCharsets.UTF_8))) {
      String header = lines.readLine();
      Map<CoderecColumn, Integer> places = places(header == null ? "" : header);
      int number = 1;
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        number++;
        try {
          rows.add(line.split(",", -1), places);
        } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
          throw new IOException("line %,d: %s".formatted(number, e.getMessage()), e);
        }
      }
    }
    return rows;
  }

  private static Map<CoderecColumn, Integer> places(String header) throws IOException {
    List<String> names = Arrays.asList(header.split(",", -1));
    Map<CoderecColumn, Integer> places = new EnumMap<>(CoderecColumn.class);
    for (CoderecColumn column : CoderecColumn.values()) {
      int place = names.indexOf(column.header());
      if (place < 0) {
        throw new IOException(
            "header: no column %s (expected: one; there are %s)".formatted(column.header(), names));
      }
      places.put(column, place);
    }
    return places;
  }

  private void add(String[] cells, Map<CoderecColumn, Integer> places) {
    String user = cell(cells, places, CoderecColumn.USER);
    boolean yes =
        switch (cell(cells, places, CoderecColumn.STATE)) {
          case "Accepted" -> true;
          case "Rejected" -> false;
          default ->
              throw new IllegalArgumentException(
                  "state: %s (expected: Accepted or Rejected)"
                      .formatted(cell(cells, places, CoderecColumn.STATE)));
        };
    float[] measured = numbers(cell(cells, places, CoderecColumn.MEASUREMENTS));
    float[] context =
        joined(
            picked(measured, OF_PROMPT),
            numbers(cell(cells, places, CoderecColumn.PROMPT_LABEL)),
            numbers(cell(cells, places, CoderecColumn.PROMPT_TEXT_FEATURES)),
            history(user));
    contexts.add(context);
    suggestions.add(
        joined(
            context,
            picked(measured, OF_SUGGESTION),
            numbers(cell(cells, places, CoderecColumn.SUGGESTION_LABEL)),
            numbers(cell(cells, places, CoderecColumn.SUGGESTION_TEXT_FEATURES))));
    users.add(user);
    accepted.add(yes);
  }

  /** The user's last outcomes, the newest first, −1 for none, and the share of accepted ones. */
  private float[] history(String user) {
    float[] past = new float[HISTORY + 1];
    Arrays.fill(past, -1);
    int seen = 0;
    float kept = 0;
    for (int row = users.size() - 1; row >= 0 && seen < 20; row--) {
      if (users.get(row).equals(user)) {
        float outcome = accepted.get(row) ? 1 : 0;
        if (seen < HISTORY) {
          past[seen] = outcome;
        }
        kept += outcome;
        seen++;
      }
    }
    past[HISTORY] = seen == 0 ? -1 : kept / seen;
    return past;
  }

  private static String cell(
      String[] cells, Map<CoderecColumn, Integer> places, CoderecColumn column) {
    return cells[places.getOrDefault(column, -1)];
  }

  private static float[] numbers(String cell) {
    String[] words = cell.strip().split(" +");
    float[] numbers = new float[words.length];
    for (int i = 0; i < words.length; i++) {
      numbers[i] = Float.parseFloat(words[i]);
    }
    return numbers;
  }

  private static float[] picked(float[] numbers, int[] places) {
    float[] picked = new float[places.length];
    for (int i = 0; i < places.length; i++) {
      picked[i] = numbers[places[i]];
    }
    return picked;
  }

  private static float[] joined(float[]... parts) {
    float[] joined = new float[Arrays.stream(parts).mapToInt(part -> part.length).sum()];
    int at = 0;
    for (float[] part : parts) {
      System.arraycopy(part, 0, joined, at, part.length);
      at += part.length;
    }
    return joined;
  }

  int size() {
    return users.size();
  }

  String user(int row) {
    return users.get(row);
  }

  boolean accepted(int row) {
    return accepted.get(row);
  }

  /** All programmers, in the order of the file. */
  List<String> users() {
    Set<String> all = new LinkedHashSet<>(users);
    return List.copyOf(all);
  }

  /** What a stage sees of some rows. */
  TreeGrower.Examples seenBy(GateStage stage, int[] rows) {
    List<float[]> all = stage == GateStage.CONTEXT ? contexts : suggestions;
    return new TreeGrower.Examples() {
      @Override
      public int size() {
        return rows.length;
      }

      @Override
      public float[] features(int index) {
        return all.get(rows[index]);
      }

      @Override
      public boolean yes(int index) {
        return accepted(rows[index]);
      }

      @Override
      public double weight(int index) {
        return 1;
      }
    };
  }
}
