package io.ballast.inference.brought;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.chat.ChatMessage;
import io.ballast.inference.chat.ChatTemplate;
import io.ballast.inference.onnx.EncoderTokenizer;
import io.ballast.inference.store.ModelManifest;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Makes the row of tokens that a member reads of a completion and its prompt. Thread-safe. */
final class RowText implements AutoCloseable {
  private static final String TOKENIZER = "tokenizer.json";
  private static final List<String> FILES =
      List.of(TOKENIZER, "tokenizer_config.json", "chat_template.jinja");

  private final MemberInput input;
  private final Optional<EncoderTokenizer> tokenizer;
  private final Optional<ChatTemplate> chat;

  private RowText(
      MemberInput input, Optional<EncoderTokenizer> tokenizer, Optional<ChatTemplate> chat) {
    this.input = input;
    this.tokenizer = tokenizer;
    this.chat = chat;
  }

  /**
   * Reads what a folder has for a member's input.
   *
   * @param folder empty if the member has none
   * @throws ModelException INVALID_FOLDER if the tokenizer or the chat template is missing
   */
  static RowText open(Optional<Path> folder, BroughtMember member) {
    Optional<ChatTemplate> template =
        member.input() instanceof MemberInput.Chat
            ? Optional.of(template(folder.orElseThrow()))
            : Optional.empty();
    boolean splits = !(member.input() instanceof MemberInput.Tokens) && !bytes(member);
    return new RowText(
        member.input(), splits ? folder.map(RowText::tokenizer) : Optional.empty(), template);
  }

  /** Whether a text goes on as its bytes. */
  private static boolean bytes(BroughtMember member) {
    return member.triton().isPresent() && member.triton().get().readsTexts();
  }

  private static ChatTemplate template(Path folder) {
    return ChatTemplate.ofFolder(folder)
        .orElseThrow(
            () ->
                new ModelException(
                    Reason.INVALID_FOLDER,
                    folder
                        + ": no chat template in tokenizer_config.json or"
                        + " chat_template.jinja (expected: one, for input.form chat)"));
  }

  private static EncoderTokenizer tokenizer(Path folder) {
    return EncoderTokenizer.open(folder.resolve(TOKENIZER));
  }

  /**
   * What tells whether two members read the same rows: their input, and the files that make it.
   *
   * @param folder the checksums of its files; empty if the member has none
   */
  static List<Object> identity(BroughtMember member, Optional<ModelManifest> folder) {
    if (member.input() instanceof MemberInput.Tokens) {
      return List.of(member.input());
    }
    Map<String, String> sums = folder.map(ModelManifest::checksums).orElse(Map.of());
    return List.of(
        member.input(),
        bytes(member),
        FILES.stream().map(file -> sums.getOrDefault(file, "")).toList());
  }

  /**
   * Returns the row.
   *
   * @throws IllegalArgumentException if the chat template does not take such a conversation, or the
   *     item is in the other form
   */
  TokenIds row(BroughtItem item) {
    return switch (item) {
      case BroughtItem.Tokens(TokenIds prompt, TokenIds completion) -> {
        requireForm(input instanceof MemberInput.Tokens);
        yield prompt.concat(completion);
      }
      case BroughtItem.Texts(String prompt, String completion) ->
          switch (input) {
            case MemberInput.Chat(boolean special) ->
                encode(
                    chat.orElseThrow()
                        .render(
                            List.of(
                                new ChatMessage("user", prompt),
                                new ChatMessage("assistant", completion)),
                            false),
                    special);
            case MemberInput.Template template ->
                encode(template.fill(prompt, completion), template.specialTokens());
            case MemberInput.Tokens tokens -> {
              requireForm(false);
              yield TokenIds.of();
            }
          };
    };
  }

  private void requireForm(boolean holds) {
    if (!holds) {
      throw new IllegalArgumentException("another form than " + input.form());
    }
  }

  private TokenIds encode(String text, boolean specialTokens) {
    if (tokenizer.isEmpty()) {
      return TextBytes.row(text);
    }
    long[] ids = tokenizer.get().encode(text, specialTokens);
    int[] narrow = new int[ids.length];
    for (int i = 0; i < ids.length; i++) {
      narrow[i] = Math.toIntExact(ids[i]);
    }
    return TokenIds.of(narrow);
  }

  @Override
  public void close() {
    tokenizer.ifPresent(EncoderTokenizer::close);
  }
}
