package io.ballast.workshop.evaluate;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.torch.ServingOptions;
import io.ballast.inference.torch.TorchDecoder;
import io.ballast.inference.torch.TorchRuntime;
import io.ballast.workshop.corpus.Corpus;
import io.ballast.workshop.corpus.Split;
import io.ballast.workshop.programmer.Cursor;
import io.ballast.workshop.programmer.ParseCheck;
import io.ballast.workshop.programmer.Position;
import io.ballast.workshop.programmer.Positions;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.random.RandomGeneratorFactory;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Lets a decoder suggest at real positions and prints what the programmer makes of it. */
@Command(
    name = "evaluate",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Measures a decoder's suggestions against the true files.")
public final class Evaluate implements Callable<Integer> {
  private static final int POSITIONS_PER_FILE = 6;
  private static final int POSITIONS_AT_A_TIME = 64;
  private static final int TAIL_CHARACTERS = 4_000;

  @Option(names = "--model", required = true, description = "Hugging Face folder of the decoder.")
  private Path model = Path.of(".");

  @Option(
      names = "--corpus",
      defaultValue = "workshop/target/corpus",
      description = "Folder of the fetched sources (default: ${DEFAULT-VALUE}).")
  private Path corpus = Path.of("workshop/target/corpus");

  @Option(
      names = "--split",
      defaultValue = "HELDOUT",
      description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private Split split = Split.HELDOUT;

  @Option(
      names = "--positions",
      defaultValue = "1000",
      description = "Positions to ask at (default: ${DEFAULT-VALUE}).")
  private int count;

  @Option(
      names = "--samples",
      defaultValue = "4",
      description =
          "Suggestions drawn at each position at temperature 1 (default: ${DEFAULT-VALUE}).")
  private int samples;

  @Option(
      names = "--any-character",
      description = "Cursor at any character instead of the tokenizer's boundaries.")
  private boolean anyCharacter;

  @Option(names = "--no-heal", description = "Do not go back to a token boundary.")
  private boolean noHeal;

  @Option(
      names = "--prompt-tokens",
      defaultValue = "96",
      description = "Tokens of context (default: ${DEFAULT-VALUE}).")
  private int promptTokens;

  @Option(
      names = "--new-tokens",
      defaultValue = "24",
      description = "The most tokens of a suggestion (default: ${DEFAULT-VALUE}).")
  private int newTokens;

  @Option(
      names = "--seed",
      defaultValue = "1",
      description = "Seed of positions and draws (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(names = "--card", description = "Markdown to which the table is added at the end.")
  private @Nullable Path card;

  @Spec private CommandSpec spec = CommandSpec.create();

  /** Runs the command and exits with its code. */
  public static void main(String[] args) {
    System.exit(new CommandLine(new Evaluate()).execute(args));
  }

  @Override
  public Integer call() throws IOException {
    TorchRuntime.setThreads(1);
    PrintWriter out = spec.commandLine().getOut();
    Corpus sources = Corpus.readUpTo(split, corpus, seed);
    try (ParseCheck parseCheck = new ParseCheck();
        Decoder decoder = TorchDecoder.load(model, ServingOptions.defaults())) {
      Cursor cursor =
          anyCharacter ? Cursor.anyCharacter() : Cursor.tokenBoundaries(decoder.tokenizer());
      List<Position> positions =
          new Positions(cursor, parseCheck)
              .draw(
                  sources.files(split),
                  count,
                  POSITIONS_PER_FILE,
                  RandomGeneratorFactory.of("L64X128MixRandom").create(seed));
      SuggestionQuality greedy =
          SuggestionQuality.measure(positions, suggest(decoder, positions, 0, 1), parseCheck);
      SuggestionQuality drawn =
          SuggestionQuality.measure(positions, suggest(decoder, positions, 1, samples), parseCheck);
      StringWriter table = new StringWriter();
      print(new PrintWriter(table), positions, greedy, drawn);
      out.print(table);
      out.flush();
      if (card != null) {
        Files.writeString(card, "\n## What it suggests\n" + table, StandardOpenOption.APPEND);
      }
    }
    return 0;
  }

  private List<List<String>> suggest(
      Decoder decoder, List<Position> positions, double temperature, int perPosition) {
    List<List<String>> suggestions = new ArrayList<>();
    for (int first = 0; first < positions.size(); first += POSITIONS_AT_A_TIME) {
      int end = Math.min(positions.size(), first + POSITIONS_AT_A_TIME);
      List<List<GenerationHandle>> underWay = new ArrayList<>();
      for (int i = first; i < end; i++) {
        SamplingOptions sampling =
            SamplingOptions.builder()
                .temperature(temperature)
                .maxNewTokens(newTokens)
                .stopStrings(List.of("\n"))
                .seed(seed + i)
                .build();
        String prompt = positions.get(i).promptTail(TAIL_CHARACTERS);
        underWay.add(
            decoder.generate(
                new GenerationRequest(prompt, !noHeal, promptTokens, sampling), perPosition));
      }
      underWay.forEach(
          group ->
              suggestions.add(
                  group.stream().map(handle -> handle.result().join().text()).toList()));
    }
    return suggestions;
  }

  private void print(
      PrintWriter out,
      List<Position> positions,
      SuggestionQuality greedy,
      SuggestionQuality drawn) {
    long files = positions.stream().map(Position::file).distinct().count();
    out.printf(
        "%,d positions in %,d files (%s), %d tokens of context, at most %d new ones, %d samples at"
            + " T = 1; ± is 95 %%%n%n",
        positions.size(), files, split.folder(), promptTokens, newTokens, samples);
    out.println("| | greedy | T = 1 |\n|---|---|---|");
    row(out, "exact rest of line, %", greedy.exact(), drawn.exact(), 100);
    row(out, "right beginning kept, %", greedy.rightBeginning(), drawn.rightBeginning(), 100);
    row(out, "characters saved, exact only", greedy.charactersSaved(), drawn.charactersSaved(), 1);
    row(
        out,
        "characters saved, right beginning kept",
        greedy.charactersKept(),
        drawn.charactersKept(),
        1);
    row(out, "file no longer parses, %", greedy.parseBreaking(), drawn.parseBreaking(), 100);
    out.flush();
  }

  private static void row(
      PrintWriter out, String name, Estimate greedy, Estimate drawn, double factor) {
    int decimals = factor == 1 ? 2 : 1;
    out.println(
        "| "
            + name
            + " | "
            + greedy.show(factor, decimals)
            + " | "
            + drawn.show(factor, decimals)
            + " |");
  }
}
