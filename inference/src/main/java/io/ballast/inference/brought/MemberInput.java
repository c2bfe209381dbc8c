package io.ballast.inference.brought;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a member reads of a completion and its prompt. */
public sealed interface MemberInput {
  /** The form's name in a manifest. */
  String form();

  /**
   * A conversation of one turn, as the model folder's chat template writes it.
   *
   * @param specialTokens whether the tokenizer's own are put round it; most templates bring theirs
   */
  record Chat(boolean specialTokens) implements MemberInput {
    static final String FORM = "chat";

    @Override
    public String form() {
      return FORM;
    }
  }

  /**
   * One text.
   *
   * @param template the text, in which {@code {prompt}} and {@code {completion}} stand for them;
   *     the latter at least once
   * @param specialTokens whether the tokenizer's own are put round it, such as [CLS] and [SEP]
   */
  record Template(String template, boolean specialTokens) implements MemberInput {
    static final String FORM = "template";
    private static final String PROMPT = "{prompt}";
    private static final String COMPLETION = "{completion}";
    private static final Pattern PLACES = Pattern.compile("\\{prompt}|\\{completion}");

    /** Checks that the completion has its place. */
    public Template {
      if (!template.contains(COMPLETION)) {
        throw new IllegalArgumentException(
            "template: \"%s\" (expected: a text with {completion}, and {prompt} where the model reads it)"
                .formatted(template));
      }
    }

    @Override
    public String form() {
      return FORM;
    }

    /** Returns the text of a completion; what is said is not a template. */
    String fill(String prompt, String completion) {
      return PLACES
          .matcher(template)
          .replaceAll(
              place ->
                  Matcher.quoteReplacement(place.group().equals(PROMPT) ? prompt : completion));
    }
  }

  /** Tokens as the caller gives them, those of the prompt first; nothing is put round them. */
  record Tokens() implements MemberInput {
    static final String FORM = "tokens";

    @Override
    public String form() {
      return FORM;
    }
  }
}
