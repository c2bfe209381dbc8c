package io.ballast.inference.scoring;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.scoring.WholeReading.RowOutcome;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.Truncation;
import java.util.Optional;

/** Reads items for a model that reads prompt and completion as one whole. */
public final class WholeItemReader implements ItemReading {
  private final String model;
  private final WholeReading reading;
  private final int maxBytes;
  private final Truncation truncation;

  /**
   * A reader.
   *
   * @param model its name, for messages
   * @param maxBytes the most bytes of one text in UTF-8, and the most tokens
   * @param truncation what the caller allows; nothing is cut of a whole, since what is left need
   *     not be what the model knows
   */
  public WholeItemReader(String model, WholeReading reading, int maxBytes, Truncation truncation) {
    this.model = model;
    this.reading = reading;
    this.maxBytes = maxBytes;
    this.truncation = truncation;
  }

  /**
   * {@inheritDoc}
   *
   * <p>With an empty path messages begin with the field.
   */
  @Override
  public SeenItem read(String path, Content prompt, Content completion) throws ItemRefusal {
    return switch (reading.readsTokens()
        ? tokens(path, prompt, completion)
        : texts(path, prompt, completion)) {
      case RowOutcome.Row(ScoringRow row) ->
          new SeenItem(row.prompt(), row.completion(), Optional.empty());
      case RowOutcome.Refused(ItemFault fault) ->
          throw new ItemRefusal(
              fault.reason(),
              (path.isEmpty() ? "" : path + ": ") + fault.message() + advice(fault.reason()));
    };
  }

  private String advice(ItemFault.Reason reason) {
    return reason == ItemFault.Reason.TOO_LONG && truncation != Truncation.REFUSE
        ? "; %s reads prompt and completion as one whole, of which nothing is cut".formatted(model)
        : "";
  }

  private RowOutcome texts(String path, Content prompt, Content completion) throws ItemRefusal {
    String before = text(field(path, "prompt"), prompt);
    String text = text(field(path, "completion"), completion);
    if (text.isEmpty()) {
      throw ItemReader.invalid(field(path, "completion") + ": empty (expected: a text)");
    }
    return reading.read(before, text);
  }

  private String text(String path, Content content) throws ItemRefusal {
    return switch (content) {
      case Content.Absent absent -> throw ItemReader.invalid(path + ": absent (expected: text)");
      case Content.Text text -> ItemReader.whole(path, text.text(), maxBytes);
      case Content.Tokens tokens ->
          throw ItemReader.invalid(
              "%s: tokens against %s, which reads texts only (expected: text)"
                  .formatted(path, model));
    };
  }

  private static String field(String path, String name) {
    return path.isEmpty() ? name : path + "." + name;
  }

  private RowOutcome tokens(String path, Content prompt, Content completion) throws ItemRefusal {
    TokenIds before = ids(field(path, "prompt"), prompt);
    TokenIds ids = ids(field(path, "completion"), completion);
    if (ids.size() == 0) {
      throw ItemReader.invalid(
          field(path, "completion") + ": empty (expected: at least one token)");
    }
    return reading.read(before, ids);
  }

  private TokenIds ids(String path, Content content) throws ItemRefusal {
    return switch (content) {
      case Content.Absent absent -> throw ItemReader.invalid(path + ": absent (expected: tokens)");
      case Content.Tokens tokens ->
          ItemReader.known(path, tokens.tokens(), maxBytes, reading.vocabularySize());
      case Content.Text text ->
          throw ItemReader.invalid(
              "%s: text against %s, which reads tokens only (expected: tokens)"
                  .formatted(path, model));
    };
  }
}
