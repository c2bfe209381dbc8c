package io.ballast.inference.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.kit.digest.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Templates of the shapes that models come with render as Jinja2 renders them, or are refused. */
class ChatTemplateTest {
  /** ChatML with a system turn of its own where none is given. */
  private static final String CHATML =
      "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
          + "{{ '<|im_start|>system\nBe brief.<|im_end|>\n' }}{% endif %}"
          + "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
          + "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

  /** The same over several lines, with dashes that eat the space between them. */
  private static final String SPACED =
      """
      {%- if tools %}
          {{- 'tools' }}
      {%- endif %}
      {%- for message in messages %}
          {%- if (message.role == "user") or (message.role == "assistant" and not message.tool_calls) %}
              {{- '<' + message.role + '>' + message.content | trim + '</>\\n' }}
          {%- endif %}
      {%- endfor %}
      {%- if add_generation_prompt %}
          {{- '<assistant>' }}
      {%- endif %}
      """;

  private static final String ALTERNATING =
      "{{ bos_token }}{% for message in messages %}"
          + "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
          + "{{ raise_exception('Roles must alternate!') }}{% endif %}"
          + "{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
          + "{% else %}{{ message['content'] + eos_token }}{% endif %}{% endfor %}";

  private static final List<ChatMessage> CONVERSATION =
      List.of(
          new ChatMessage("user", "1 < 2 & \"é\"?\n"),
          new ChatMessage("assistant", "{{ yes }}"),
          new ChatMessage("user", "Sure?"));

  @TempDir private Path folder;

  @Test
  void chatMlIsRendered() {
    ChatTemplate template = ChatTemplate.of(CHATML, Map.of());
    assertThat(template.render(CONVERSATION, true))
        .isEqualTo(
            "<|im_start|>system\nBe brief.<|im_end|>\n"
                + "<|im_start|>user\n1 < 2 & \"é\"?\n<|im_end|>\n"
                + "<|im_start|>assistant\n{{ yes }}<|im_end|>\n"
                + "<|im_start|>user\nSure?<|im_end|>\n"
                + "<|im_start|>assistant\n");
    assertThat(template.render(List.of(new ChatMessage("system", "S")), false))
        .isEqualTo("<|im_start|>system\nS<|im_end|>\n");
    assertThat(template.render(List.of(), true)).isEqualTo("<|im_start|>assistant\n");
  }

  @Test
  void spaceThatDashesEatIsEaten() {
    assertThat(ChatTemplate.of(SPACED, Map.of()).render(CONVERSATION, true))
        .isEqualTo("<user>1 < 2 & \"é\"?</>\n<assistant>{{ yes }}</>\n<user>Sure?</>\n<assistant>");
  }

  @Test
  void aConversationThatATemplateDoesNotTakeIsRefusedInItsWords() {
    ChatTemplate template =
        ChatTemplate.of(ALTERNATING, Map.of("bos_token", "<s>", "eos_token", "</s>"));
    assertThat(template.render(CONVERSATION, false))
        .isEqualTo("<s>[INST] 1 < 2 & \"é\"?\n [/INST]{{ yes }}</s>[INST] Sure? [/INST]");
    assertThatThrownBy(
            () -> template.render(List.of(new ChatMessage("assistant", "I begin.")), false))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("messages: Roles must alternate!");
  }

  @Test
  void whatJinjavaLacksIsRefusedAndNotRenderedOtherwise() {
    for (String source :
        List.of(
            "{% for m in messages[::-1] %}{{ m.content }}{% endfor %}",
            "{{ messages[0].content.rstrip('x') }}",
            "{% for m in messages %}{{ m.content }}",
            "{{ strftime_now('%Y') }}",
            "{% include 'application.properties' %}")) {
      assertThatThrownBy(() -> ChatTemplate.of(source, Map.of()).render(CONVERSATION, false))
          .as(source)
          .isInstanceOf(ModelException.class)
          .hasMessageStartingWith("chat template, line ");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'It\\'s no \\\\ \"turn\"'      | It's no \\ \"turn\"",
        "  \"Say 'please' (once)\"   | Say 'please' (once)",
        "'no' if false else 'no'     | the chat template refuses them, in 2 characters that are not"
            + " of the template alone",
        "''                          | the chat template refuses them, and does not say why",
        "'  '                        | the chat template refuses them, and does not say why",
      })
  void aRefusalIsInTheWordsOfOneTextOfTheTemplate(String raised, String words) {
    ChatTemplate template =
        ChatTemplate.of("{{- raise_exception( %s ) }}".formatted(raised), Map.of());
    assertThatThrownBy(() -> template.render(CONVERSATION, false))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("messages: " + words);
  }

  @Test
  void refusalsHoldNothingOfWhatWasSaid() {
    List<ChatMessage> said = List.of(new ChatMessage("user", "my secret"));
    assertThatThrownBy(
            () ->
                ChatTemplate.of("{{ raise_exception('no: ' + messages[0].content) }}", Map.of())
                    .render(said, false))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "messages: the chat template refuses them, in 13 characters that are not of the"
                + " template alone");
    for (String what : List.of("messages", "Roles must", "\\' }")) {
      // what stands somewhere in the template may have been said all the same
      assertThatThrownBy(
              () ->
                  ChatTemplate.of(
                          "{{ raise_exception(messages[0].content) }}{{ 'Roles must \\' }' }}",
                          Map.of())
                      .render(List.of(new ChatMessage("user", what)), false))
          .as(what)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "messages: the chat template refuses them, in %d characters that are not of the"
                      .formatted(what.length())
                  + " template alone");
    }
    // jinjava itself would say: Cannot resolve property 'x' in 'my secret'
    assertThatThrownBy(
            () -> ChatTemplate.of("{{ messages[0].content.x.y }}", Map.of()).render(said, false))
        .isInstanceOf(ModelException.class)
        .hasMessageStartingWith("chat template, line 1: ")
        .hasMessageEndingWith(" in x");
    assertThatThrownBy(
            () ->
                ChatTemplate.of("{{ messages[messages[0].content] }}", Map.of())
                    .render(said, false))
        .isInstanceOf(ModelException.class)
        .hasMessageNotContaining("secret");
  }

  @ParameterizedTest
  @CsvSource({"ess, false", "messages, true", "role, true", "rol, false", "é, false"})
  void aPlaceIsTheTemplatesOnlyIfItStandsThereAsAWord(String said, boolean told) {
    ChatTemplate template =
        ChatTemplate.of("{{ messages[0].role[messages[0].content].x }}{# été #}", Map.of());
    String place = " in " + said;
    assertThatThrownBy(() -> template.render(List.of(new ChatMessage("user", said)), false))
        .isInstanceOf(ModelException.class)
        .satisfies(e -> assertThat(String.valueOf(e.getMessage()).endsWith(place)).isEqualTo(told));
  }

  @Test
  void outputIsBounded() {
    String endless =
        "{% for a in range(1000) %}{% for b in range(1000) %}{{ messages[0].content }}"
            + "{% endfor %}{% endfor %}";
    List<ChatMessage> wide = List.of(new ChatMessage("user", "x".repeat(1_000)));
    assertThatThrownBy(() -> ChatTemplate.of(endless, Map.of()).render(wide, false))
        .isInstanceOf(ModelException.class);
  }

  @Test
  void aFoldersTemplateAndTokensAreRead() throws IOException {
    assertThat(ChatTemplate.ofFolder(folder)).isEmpty();
    Path settings = folder.resolve("tokenizer_config.json");
    Files.writeString(
        settings,
        "{\"bos_token\":{\"content\":\"<s>\"},\"chat_template\":\"{{ bos_token }}"
            + "{{ messages[0].content }}\"}");
    assertThat(
            ChatTemplate.ofFolder(folder).orElseThrow().render(CONVERSATION.subList(2, 3), false))
        .isEqualTo("<s>Sure?");
    Files.writeString(
        settings,
        "{\"chat_template\":[{\"name\":\"tool_use\",\"template\":\"t\"},"
            + "{\"name\":\"default\",\"template\":\"d\"}]}");
    assertThat(ChatTemplate.ofFolder(folder).orElseThrow().render(CONVERSATION, false))
        .isEqualTo("d");
    Files.writeString(folder.resolve("chat_template.jinja"), "of the file");
    assertThat(ChatTemplate.ofFolder(folder).orElseThrow().render(CONVERSATION, false))
        .isEqualTo("of the file");
    Files.delete(folder.resolve("chat_template.jinja"));
    Files.writeString(settings, "{\"eos_token\":\"</s>\"}");
    assertThat(ChatTemplate.ofFolder(folder)).isEmpty();
    Files.writeString(settings, "{");
    assertThatThrownBy(() -> ChatTemplate.ofFolder(folder)).isInstanceOf(ModelException.class);
  }

  @Test
  void aFoldersChecksumIsOfItsTextAndOfTheTokensThatItNames() throws IOException {
    assertThat(ChatTemplate.sha256(folder)).isEmpty();
    Path file = Files.writeString(folder.resolve("chat_template.jinja"), CHATML);
    Path settings = folder.resolve("tokenizer_config.json");
    Files.writeString(settings, "{\"bos_token\": \"<s>\", \"eos_token\": \"</s>\"}");
    assertThat(ChatTemplate.sha256(folder)).as("names no token").contains(Sha256.of(file));

    Files.writeString(file, ALTERNATING);
    assertThat(ChatTemplate.sha256(folder))
        .contains(Sha256.of(ALTERNATING + "\nbos_token=<s>\neos_token=</s>"));
  }
}
