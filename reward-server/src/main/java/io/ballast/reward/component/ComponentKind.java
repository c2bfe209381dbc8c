package io.ballast.reward.component;

import java.util.Locale;

/** What components there are. A new one is a constant here and a case below. */
public enum ComponentKind {
  /** An ensemble of reward models. */
  LEARNED,
  /** Whether the completion matches a regular expression. */
  REGEX,
  /** Whether the completion is the answer. */
  EXACT,
  /** Whether the completion is JSON that a schema takes. */
  JSON_SCHEMA,
  /** Whether the completion is Java. */
  JAVA_PARSE,
  /** Whether the completion passes unit tests. */
  JAVA_TESTS,
  /** A penalty for length. */
  LENGTH,
  /** A penalty for saying the same again. */
  REPETITION,
  /** A reward that another process gives. */
  REMOTE;

  /** What files and answers call it, such as {@code java_tests}. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Reads a component of this kind.
   *
   * @throws CompositeFlaw if a setting is missing, unknown or out of its range, naming it
   */
  Component read(Settings settings) {
    return switch (this) {
      case LEARNED -> LearnedComponent.read(settings);
      case REGEX -> RegexComponent.read(settings);
      case EXACT -> ExactComponent.read(settings);
      case JSON_SCHEMA -> JsonSchemaComponent.read(settings);
      case JAVA_PARSE -> JavaParseComponent.read(settings);
      case JAVA_TESTS -> JavaTestsComponent.read(settings);
      case LENGTH -> LengthComponent.read(settings);
      case REPETITION -> RepetitionComponent.read(settings);
      case REMOTE -> RemoteComponent.read(settings);
    };
  }
}
