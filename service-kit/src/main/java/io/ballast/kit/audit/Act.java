package io.ballast.kit.audit;

import java.util.Map;

/**
 * What is done.
 *
 * @param action such as {@code data.delete}
 * @param tenant on whose behalf; empty: the server's own
 * @param actor who answers for it, as the request says; empty: nobody said
 * @param subject what it is done to
 * @param requestId the call; empty: none
 * @param details texts by name, none of them what a person wrote or was shown
 */
public record Act(
    String action,
    String tenant,
    String actor,
    String subject,
    String requestId,
    Map<String, String> details) {
  /** Copies the details. */
  public Act {
    details = Map.copyOf(details);
  }
}
