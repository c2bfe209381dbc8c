package io.ballast.inference.grammar;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.apache.lucene.util.automaton.Automaton;

/**
 * What a completion's text must look like: all of it matches a regular expression, or is a document
 * that satisfies a JSON schema. Compiled when it is made; equal if made of the same text.
 */
public final class Grammar {
  /** The most characters of a pattern or a schema. */
  public static final int MAX_CHARACTERS = 32_768;

  /** In which language a grammar is written. */
  public enum Kind {
    REGEX,
    JSON_SCHEMA
  }

  private record Key(Kind kind, String source) {}

  /** Callers repeat their grammars with every request: those used last are not made again. */
  private static final LastUsed<Key, Grammar> LAST_USED = new LastUsed<>(100_000, Grammar::states);

  private final Kind kind;
  private final String source;
  private final ByteAutomaton automaton;

  private Grammar(Kind kind, String source) {
    String field = kind.name().toLowerCase(Locale.ROOT);
    if (source.isEmpty() || source.length() > MAX_CHARACTERS) {
      throw new IllegalArgumentException(
          "%s: %,d characters (expected: 1 to %,d)"
              .formatted(field, source.length(), MAX_CHARACTERS));
    }
    this.kind = kind;
    this.source = source;
    Languages languages = new Languages();
    try {
      this.automaton = ByteAutomaton.of(compile(kind, source, languages), languages);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(field + ": " + e.getMessage(), e);
    }
  }

  /**
   * Returns the grammar of texts that match {@code pattern} from their first character to their
   * last. Which syntax is known stands in the module's README.
   *
   * @throws IllegalArgumentException if the pattern is not understood, matches no text, or needs
   *     too many states; the message begins with {@code regex: }
   */
  public static Grammar regex(String pattern) {
    return remembered(Kind.REGEX, pattern);
  }

  /**
   * Returns the grammar of documents that satisfy {@code schema}. Which keywords are known, and how
   * a document is written, stands in the module's README.
   *
   * @throws IllegalArgumentException if the schema is no JSON, has a keyword that is not supported,
   *     is recursive, or needs too many states; the message begins with {@code json_schema: }
   */
  public static Grammar jsonSchema(String schema) {
    return remembered(Kind.JSON_SCHEMA, schema);
  }

  private static Grammar remembered(Kind kind, String source) {
    Key key = new Key(kind, source);
    Grammar known = LAST_USED.get(key);
    if (known != null) {
      return known;
    }
    Grammar made = new Grammar(kind, source); // not under a lock: it may take a while
    LAST_USED.put(key, made);
    return made;
  }

  private static Automaton compile(Kind kind, String source, Languages languages) {
    return switch (kind) {
      case REGEX -> RegexParser.parse(source, languages).body();
      case JSON_SCHEMA -> JsonSchemaCompiler.compile(source, languages);
    };
  }

  public Kind kind() {
    return kind;
  }

  /** The pattern or schema that it was made of. */
  public String source() {
    return source;
  }

  /** The machine that reads a completion's bytes. */
  public ByteMachine machine() {
    return automaton;
  }

  /** How many states the machine has. */
  public int states() {
    return automaton.states();
  }

  /** Whether {@code text} is as it must be. */
  public boolean matches(String text) {
    int end = automaton.read(automaton.start(), text.getBytes(StandardCharsets.UTF_8));
    return end != ByteMachine.DEAD && automaton.accepting(end);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Grammar grammar
        && kind == grammar.kind
        && source.equals(grammar.source);
  }

  @Override
  public int hashCode() {
    return 31 * kind.hashCode() + source.hashCode();
  }

  @Override
  public String toString() {
    return kind + ": " + source;
  }
}
