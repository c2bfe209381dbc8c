package io.ballast.inference.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.interpret.TemplateError;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.kit.digest.Sha256;
import io.ballast.kit.error.Causes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * A model's chat template: Jinja as Hugging Face writes it, in tokenizer_config.json or
 * chat_template.jinja, rendered by jinjava. Safe for use by many threads.
 *
 * <p>Jinjava is not all of Jinja2. A template that needs what it lacks (such as Qwen3's slices with
 * a step) is refused when it is rendered, never rendered otherwise than it was meant. It reads no
 * other file, and its output is bounded; how long it computes is not.
 */
public final class ChatTemplate {
  private static final String FILE = "chat_template.jinja";
  private static final String SETTINGS = "tokenizer_config.json";
  private static final int MOST_OUTPUT_BYTES = 4 << 20;
  private static final ObjectMapper JSON = new ObjectMapper();

  /** {@code raise_exception} of one text in quotes, with the escapes that jinjava reads. */
  private static final Pattern RAISED =
      Pattern.compile(
          """
          raise_exception\\s*\\(\\s*(?:\
          '((?:[^'\\\\]++|\\\\[\\\\'"nbftr])*+)'\
          |"((?:[^"\\\\]++|\\\\[\\\\'"nbftr])*+)"\
          )\\s*\\)""");

  /** How a template says that a conversation is not one that it takes. */
  private static final class Refusal extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Refusal(String message) {
      super(message);
    }
  }

  private final String source;
  private final Map<String, String> tokens;
  private final Jinjava jinja;

  private ChatTemplate(String source, Map<String, String> tokens) {
    this.source = source;
    this.tokens = Map.copyOf(tokens);
    this.jinja =
        new Jinjava(
            JinjavaConfig.newBuilder()
                .withNestedInterpretationEnabled(false) // what is said is not a template
                .withTrimBlocks(true)
                .withLstripBlocks(true)
                .withMaxOutputSize(MOST_OUTPUT_BYTES)
                .withDisabled(
                    Map.of(
                        Context.Library.TAG,
                        Set.of("include", "import", "from", "extends", "block")))
                .withLegacyOverrides(
                    LegacyOverrides.newBuilder()
                        .withUsePyishObjectMapper(true)
                        .withParseWhitespaceControlStrictly(true)
                        .withUseTrimmingForNotesAndExpressions(true)
                        .build())
                .build());
    jinja
        .getGlobalContext()
        .registerFunction(
            new ELFunctionDefinition(
                "", "raise_exception", ChatTemplate.class, "refuse", Object.class));
  }

  /** {@code raise_exception} of templates. Public for jinjava, which calls it by reflection. */
  public static String refuse(Object message) {
    throw new Refusal(String.valueOf(message));
  }

  /**
   * Returns a template.
   *
   * @param source Jinja
   * @param tokens texts of special tokens by the names that templates know, such as {@code
   *     bos_token}
   */
  public static ChatTemplate of(String source, Map<String, String> tokens) {
    return new ChatTemplate(source, tokens);
  }

  /**
   * Reads the template of a model folder; empty if it has none.
   *
   * @throws ModelException INVALID_FOLDER if a file is there and cannot be read
   */
  public static Optional<ChatTemplate> ofFolder(Path folder) {
    return written(folder).map(each -> new ChatTemplate(each.source(), each.tokens()));
  }

  /**
   * Returns the SHA-256 of all that decides what a folder's template makes of a conversation; empty
   * if it has none. That is its text, as chat_template.jinja has it, and behind it, of each special
   * token that the text names, a line {@code name=token}.
   *
   * @throws ModelException as {@link #ofFolder}
   */
  public static Optional<String> sha256(Path folder) {
    return written(folder)
        .map(
            each -> {
              StringBuilder all = new StringBuilder(each.source());
              new TreeMap<>(each.tokens())
                  .forEach(
                      (name, token) -> {
                        if (each.source().contains(name)) {
                          all.append('\n').append(name).append('=').append(token);
                        }
                      });
              return Sha256.of(all.toString());
            });
  }

  /** A template as a folder has it. */
  private record Written(String source, Map<String, String> tokens) {}

  private static Optional<Written> written(Path folder) {
    Path settings = folder.resolve(SETTINGS);
    Path file = folder.resolve(FILE);
    try {
      JsonNode json =
          Files.isRegularFile(settings)
              ? JSON.readTree(settings.toFile())
              : JSON.createObjectNode();
      Map<String, String> tokens = new HashMap<>();
      for (String name : List.of("bos_token", "eos_token", "unk_token", "pad_token")) {
        JsonNode token = json.path(name);
        JsonNode text = token.isObject() ? token.path("content") : token;
        if (text.isTextual()) {
          tokens.put(name, text.asText());
        }
      }
      Optional<String> source =
          Files.isRegularFile(file)
              ? Optional.of(Files.readString(file))
              : named(json.path("chat_template"));
      return source.map(text -> new Written(text, tokens));
    } catch (IOException e) {
      throw new ModelException(Reason.INVALID_FOLDER, folder + ": " + e.getMessage(), e);
    }
  }

  /** The template, or the one called default of several. */
  private static Optional<String> named(JsonNode template) {
    if (template.isTextual()) {
      return Optional.of(template.asText());
    }
    for (JsonNode one : template) {
      if (one.path("name").asText().equals("default")) {
        return Optional.of(one.path("template").asText());
      }
    }
    return Optional.empty();
  }

  /**
   * Returns the text that a model is to go on with.
   *
   * @param addGenerationPrompt whether it ends where the assistant begins to speak
   * @throws IllegalArgumentException if the template does not take such a conversation; in its
   *     words, where it raises them as one text that stands in it: others may hold what was said
   * @throws ModelException INVALID_FOLDER if the template is broken, or needs what jinjava lacks
   */
  public String render(List<ChatMessage> messages, boolean addGenerationPrompt) {
    Map<String, Object> values = new HashMap<>(tokens);
    values.put(
        "messages",
        messages.stream()
            .map(message -> Map.of("role", message.role(), "content", message.content()))
            .toList());
    values.put("add_generation_prompt", addGenerationPrompt);
    RenderResult result = jinja.renderForResult(source, values);
    for (TemplateError error : result.getErrors()) {
      Optional<Refusal> refusal =
          Optional.ofNullable(error.getException())
              .flatMap(failure -> Causes.find(failure, Refusal.class));
      if (refusal.isPresent()) {
        throw new IllegalArgumentException("messages: " + words(refusal.get()));
      }
    }
    if (!result.getErrors().isEmpty()) {
      TemplateError first = result.getErrors().getFirst();
      throw new ModelException(
          Reason.INVALID_FOLDER,
          "chat template, line %d: %s%s"
              .formatted(first.getLineno(), first.getReason(), place(first)));
    }
    return result.getOutput();
  }

  private String words(Refusal refusal) {
    String said = String.valueOf(refusal.getMessage());
    if (said.isBlank()) {
      return "the chat template refuses them, and does not say why";
    }
    return RAISED
            .matcher(source)
            .results()
            .map(raised -> raised.group(raised.group(1) == null ? 2 : 1))
            .anyMatch(text -> text.translateEscapes().equals(said))
        ? said
        : "the chat template refuses them, in %,d characters that are not of the template alone"
            .formatted(said.length());
  }

  /** What the template has there; jinjava's own words may hold what was said. */
  private String place(TemplateError error) {
    String field = error.getFieldName();
    return field != null && !field.isBlank() && has(field) ? " in " + field : "";
  }

  /** Whether the template has {@code text}, and not as a part of a longer word. */
  private boolean has(String text) {
    return Pattern.compile(
            "(?:(?<!\\w)|(?!\\w))" + Pattern.quote(text) + "(?:(?!\\w)|(?<!\\w))",
            Pattern.UNICODE_CHARACTER_CLASS)
        .matcher(source)
        .find();
  }
}
