package io.ballast.loadtest.capacity;

import java.util.List;
import java.util.Locale;

/** What an application asks for, and the way that it takes. */
public enum CallKind {
  /** One suggestion, gated, with its reward and its cost, and recorded. */
  SUGGESTION(
      List.of(
          List.of(Server.CALLER),
          List.of(Server.POLICY_SERVER),
          List.of(Server.REWARD_SERVER, Server.SAFETY_SERVER),
          List.of(Server.DATABASE))),
  /** One call of Score. */
  SCORE(List.of(List.of(Server.CALLER), List.of(Server.REWARD_SERVER))),
  /** What became of a suggestion. */
  EVENT(List.of(List.of(Server.CALLER), List.of(Server.POLICY_SERVER), List.of(Server.DATABASE)));

  private final List<List<Server>> stages;

  CallKind(List<List<Server>> stages) {
    this.stages = stages;
  }

  /** The servers that it visits one after the other; those of one stage at the same time. */
  public List<List<Server>> stages() {
    return stages;
  }

  /** As people write it: {@code suggestion}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
