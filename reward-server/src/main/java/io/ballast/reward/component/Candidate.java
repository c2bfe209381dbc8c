package io.ballast.reward.component;

import io.ballast.inference.scoring.Content;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.Texts;
import io.ballast.reward.core.ScoreItem;
import org.jspecify.annotations.Nullable;

/**
 * A completion that components judge, with what its caller sent beside it.
 *
 * @param item as it came
 * @param maxTextBytes of one text in UTF-8
 */
public record Candidate(ScoreItem item, int maxTextBytes) {
  /**
   * What was asked.
   *
   * @throws CannotJudge if it is absent, too long, or tokens
   */
  public String prompt() throws CannotJudge {
    return text(item.path() + ".prompt", item.prompt());
  }

  /**
   * What was answered; may be empty.
   *
   * @throws CannotJudge if it is absent, too long, or tokens
   */
  public String completion() throws CannotJudge {
    return text(item.path() + ".completion", item.completion());
  }

  /**
   * What the completion is checked against.
   *
   * @throws CannotJudge if the caller sent no reference of this name, or one that is too long
   */
  public String reference(String name) throws CannotJudge {
    String path = referencePath(name);
    @Nullable String text = item.references().get(name);
    if (text == null) {
      throw new CannotJudge(
          ItemFault.Reason.INVALID_INPUT, path + ": absent (expected: a text to check against)");
    }
    return whole(path, text);
  }

  /** Where a reference stands in the request. */
  public String referencePath(String name) {
    return item.path() + ".references[\"" + name + "\"]";
  }

  private String text(String path, Content content) throws CannotJudge {
    return switch (content) {
      case Content.Text text -> whole(path, text.text());
      case Content.Tokens tokens ->
          throw new CannotJudge(ItemFault.Reason.INVALID_INPUT, path + ": tokens (expected: text)");
      case Content.Absent absent ->
          throw new CannotJudge(ItemFault.Reason.INVALID_INPUT, path + ": absent (expected: text)");
    };
  }

  private String whole(String path, String text) throws CannotJudge {
    int bytes = Texts.utf8Bytes(text);
    if (bytes > maxTextBytes) {
      throw new CannotJudge(
          ItemFault.Reason.TOO_LONG,
          "%s: %,d bytes, limit %,d".formatted(path, bytes, maxTextBytes));
    }
    String flaw = Texts.encodingFlaw(text);
    if (flaw != null) {
      throw new CannotJudge(ItemFault.Reason.INVALID_INPUT, path + ": " + flaw);
    }
    return text;
  }
}
