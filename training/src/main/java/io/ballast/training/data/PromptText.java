package io.ballast.training.data;

import io.ballast.inference.chat.ChatMessage;
import java.util.List;

/** What was asked. */
public sealed interface PromptText {
  /** A text that the model sees as it is; may be empty. */
  record Plain(String text) implements PromptText {}

  /** A conversation, of which a model's chat template makes a text; at least one message. */
  record Dialogue(List<ChatMessage> messages) implements PromptText {
    public Dialogue {
      messages = List.copyOf(messages);
      if (messages.isEmpty()) {
        throw new IllegalArgumentException("messages: none (expected: at least one)");
      }
    }
  }
}
