package io.ballast.training.data;

import io.ballast.inference.chat.ChatMessage;
import java.util.List;

/** What a field of a row holds: a text, or messages. */
sealed interface Turns {
  /** Returns what stands before {@code at}: characters, or messages. */
  Turns first(int at);

  /** Returns what stands from {@code at} on. */
  Turns after(int at);

  /** A text. */
  record Text(String text) implements Turns {
    @Override
    public Turns first(int at) {
      return new Text(text.substring(0, at));
    }

    @Override
    public Turns after(int at) {
      return new Text(text.substring(at));
    }
  }

  /** Messages, none or more. */
  record Messages(List<ChatMessage> messages) implements Turns {
    public Messages {
      messages = List.copyOf(messages);
    }

    @Override
    public Turns first(int at) {
      return new Messages(messages.subList(0, at));
    }

    @Override
    public Turns after(int at) {
      return new Messages(messages.subList(at, messages.size()));
    }
  }

  /**
   * Returns how much two completions begin with alike: whole messages, or characters up to and
   * without the last white space before they differ.
   */
  static int shared(Turns a, Turns b) {
    if (a instanceof Text first && b instanceof Text second) {
      return shared(first.text(), second.text());
    }
    if (a instanceof Messages first && b instanceof Messages second) {
      int most = Math.min(first.messages().size(), second.messages().size());
      int same = 0;
      while (same < most && first.messages().get(same).equals(second.messages().get(same))) {
        same++;
      }
      return same;
    }
    throw new IllegalArgumentException(
        "a text and messages (expected: both texts or both messages)");
  }

  private static int shared(String a, String b) {
    int most = Math.min(a.length(), b.length());
    int same = 0;
    while (same < most && a.charAt(same) == b.charAt(same)) {
      same++;
    }
    if (same == a.length() || same == b.length()) {
      same = Math.max(0, same - 1); // neither completion may be empty
    }
    while (same > 0
        && !(Character.isWhitespace(a.charAt(same)) && Character.isWhitespace(b.charAt(same)))) {
      same--;
    }
    return same;
  }
}
