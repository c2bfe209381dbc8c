package io.ballast.standalone.demo.mesh;

/** What the programmer did with a suggestion, as the mesh is told. */
public sealed interface Reaction {
  /** Taken as it was. */
  record Accepted(int savedCharacters) implements Reaction {}

  /** A beginning was kept. */
  record Edited(int keptCharacters, String finalText) implements Reaction {}

  /** Not taken. */
  record Rejected() implements Reaction {}
}
